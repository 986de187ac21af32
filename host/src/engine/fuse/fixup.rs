//! The fixup, for the table of the main module: what was put into the shim's goes behind what was there.

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{ConstExpr, Module, TableType};
use wasmparser::{Operator, Parser};

use super::{OtherShape, keep_names, other};

/// The same fixup for this table, whose new places begin here.
pub(super) fn moved(module: &[u8], table: TableType, first: u32) -> Result<Module, Error<OtherShape>> {
    let mut moved = Module::new();
    Moving { table, first }.parse_core_module(&mut moved, Parser::new(0), module)?;
    Ok(moved)
}

struct Moving {
    table: TableType,
    first: u32,
}

impl Reencode for Moving {
    type Error = OtherShape;

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
