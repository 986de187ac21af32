//! The main module's data, if it is little: then the fixup puts it where it belongs, together with the functions.
//!
//! Otherwise wasmtime maps the data as an image, in the midst of the memory. To set a memory back the kernel is asked which of its pages were
//! touched, and with an image it has three mappings to look at in place of one: that takes longer than to copy a page of data.

use wasm_encoder::reencode::{Error, utils};
use wasm_encoder::{DataSection, MemoryType};
use wasmparser::{Data, DataKind, Operator, Parser, Payload, TypeRef};

use super::{OtherShape, Unchanged};

/// What the fixup calls the memory that it is given.
pub(super) const MEMORY: &str = "$memory";

/// The most bytes that are copied into each instance: two pages. From about three on, the image costs less.
const MOST: usize = 8 << 10;

/// Data for a memory.
pub(super) struct LittleData {
    pub(super) memory: MemoryType,
    pub(super) data: DataSection,
}

impl LittleData {
    /// The module's data, if it is little and nothing can tell when it is put into memory.
    pub(super) fn of(module: &[u8]) -> Result<Option<Self>, Error<OtherShape>> {
        let (mut memory, mut data) = (None, None);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::MemorySection(section) if section.count() == 1 => {
                    memory = section.into_iter().next().transpose()?;
                }
                Payload::DataSection(section) => {
                    let segments = section.into_iter().collect::<Result<Vec<_>, _>>()?;
                    let size = segments.iter().map(|segment| segment.data.len()).sum::<usize>();
                    if size > MOST || !segments.iter().all(has_its_place) {
                        return Ok(None);
                    }
                    let mut copy = DataSection::new();
                    for segment in segments {
                        utils::parse_data(&mut Unchanged, &mut copy, segment)?;
                    }
                    data = Some(copy);
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if matches!(import?.ty, TypeRef::Memory(_)) {
                            return Ok(None);
                        }
                    }
                }
                // The first runs before the fixup; the second says that code names segments.
                Payload::StartSection { .. } | Payload::DataCountSection { .. } => return Ok(None),
                _ => {}
            }
        }
        Ok(memory.zip(data).map(|(memory, data)| Self { memory: utils::memory_type(&mut Unchanged, memory), data }))
    }
}

/// True if a segment goes to a place that is a plain number.
fn has_its_place(segment: &Data<'_>) -> bool {
    let DataKind::Active { offset_expr, .. } = &segment.kind else { return false };
    let mut operators = offset_expr.get_operators_reader();
    matches!((operators.read(), operators.read()), (Ok(Operator::I32Const { .. }), Ok(Operator::End)))
}
