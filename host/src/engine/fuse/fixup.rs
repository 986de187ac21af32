//! The fixup, for the table of the main module: what was put into the shim's goes behind what was there. It puts the module's data into
//! memory as well, if that is little.

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{ConstExpr, ImportSection, Module, TableType};
use wasmparser::{Operator, Parser, TypeRef};

use super::little_data::{LittleData, MEMORY};
use super::{OtherShape, keep_names, other};

/// The same fixup for this table, whose new places begin here, and with this data.
pub(super) fn moved(
    module: &[u8],
    table: TableType,
    first: u32,
    data: Option<&LittleData>,
) -> Result<Module, Error<OtherShape>> {
    let mut moved = Module::new();
    Moving { table, first, data }.parse_core_module(&mut moved, Parser::new(0), module)?;
    if let Some(LittleData { data, .. }) = data {
        moved.section(data);
    }
    Ok(moved)
}

struct Moving<'a> {
    table: TableType,
    first: u32,
    data: Option<&'a LittleData>,
}

impl Reencode for Moving<'_> {
    type Error = OtherShape;

    /// The memory is given as the table is.
    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        for import in section.into_imports() {
            let import = import?;
            self.parse_import(imports, import)?;
            if let (TypeRef::Table(_), Some(data)) = (import.ty, self.data) {
                imports.import(import.module, MEMORY, data.memory);
            }
        }
        Ok(())
    }

    fn table_type(&mut self, _shims: wasmparser::TableType) -> Result<TableType, Error<OtherShape>> {
        Ok(self.table)
    }

    fn const_expr(&mut self, expression: wasmparser::ConstExpr<'_>) -> Result<ConstExpr, Error<OtherShape>> {
        let mut operators = expression.get_operators_reader();
        let Operator::I32Const { value } = operators.read()? else { return other("a place is not a number") };
        if !matches!(operators.read()?, Operator::End) {
            return other("a place is more than a number");
        }
        match i32::try_from(self.first).ok().and_then(|first| first.checked_add(value)) {
            Some(place) => Ok(ConstExpr::i32_const(place)),
            None => other("the table is too large"),
        }
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        keep_names(self, module, section)
    }
}
