//! The module that the shim is for: the imports that the shim stood for become functions of its own, which call through new places at
//! the end of its table.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, DataSection, ExportKind, ExportSection, Function, FunctionSection, ImportSection, Instruction, Module,
    TableSection, TableType,
};
use wasmparser::{Operator, Parser, Payload, TypeRef};

use super::shape::TABLE;
use super::{OtherShape, Unchanged, keep_names, other};

/// The module with its own stand-ins.
pub(super) struct Fused {
    pub(super) module: Module,
    /// Its table as it is now.
    pub(super) table: TableType,
    /// The first of the new places.
    pub(super) first: u32,
}

/// Gives the module so many new places, and stand-ins for these imports: by module and name, the place that each calls.
pub(super) fn fused(
    module: &[u8],
    places: &BTreeMap<(String, String), u32>,
    count: u32,
    data: Data,
) -> Result<Fused, Error<OtherShape>> {
    let mut fusing = Fusing::prepare(module, places, count, data)?;
    let mut fused = Module::new();
    fusing.parse_core_module(&mut fused, Parser::new(0), module)?;
    Ok(Fused { module: fused, table: fusing.table, first: fusing.first })
}

/// What becomes of the module's data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    Stays,
    Goes,
}

/// An import that becomes a function.
struct StandIn {
    /// Its number among the functions, as it was.
    import: u32,
    ty: u32,
    parameters: u32,
    place: u32,
}

struct Fusing {
    stand_ins: Vec<StandIn>,
    // How many there are.
    functions: u32,
    table: TableType,
    first: u32,
    data: Data,
}

impl Fusing {
    fn prepare(
        module: &[u8],
        places: &BTreeMap<(String, String), u32>,
        count: u32,
        data: Data,
    ) -> Result<Self, Error<OtherShape>> {
        let (mut types, mut stand_ins, mut imported, mut defined) = (Vec::new(), Vec::new(), 0, 0);
        let mut table = None;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        types.push(ty?.params().len());
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(ty) => {
                                let key = (import.module.to_owned(), import.name.to_owned());
                                if let Some(place) = places.get(&key) {
                                    let parameters = usize::try_from(ty).ok().and_then(|ty| types.get(ty));
                                    let parameters = parameters.and_then(|it| u32::try_from(*it).ok());
                                    let Some(parameters) = parameters else { return other("an import has no type") };
                                    stand_ins.push(StandIn { import: imported, ty, parameters, place: *place });
                                }
                                imported += 1;
                            }
                            TypeRef::Table(_) => return other("its table is another's"),
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => defined = section.count(),
                Payload::TableSection(section) => {
                    table = section.into_iter().next().transpose()?.map(|table| table.ty);
                }
                _ => {}
            }
        }
        if stand_ins.len() != places.len() {
            return other("it does not import all that the shim stands for");
        }
        let Some(was) = table else { return other("it has no table") };
        let first = u32::try_from(was.initial).ok().filter(|_| was.maximum.is_none_or(|most| most == was.initial));
        let Some(first) = first else { return other("its table can grow") };
        let mut table = utils::table_type(&mut Unchanged, was)?;
        table.minimum = was.initial.saturating_add(count.into());
        table.maximum = was.maximum.map(|most| most.saturating_add(count.into()));
        let Some(functions) = imported.checked_add(defined) else { return other("it has too many functions") };
        Ok(Self { stand_ins, functions, table, first, data })
    }
}

impl Reencode for Fusing {
    type Error = OtherShape;

    /// Imports that are left move up, all others with them, and what were imports come last.
    fn function_index(&mut self, function: u32) -> Result<u32, Error<OtherShape>> {
        let before = self.stand_ins.partition_point(|it| it.import < function);
        let (before_it, all) = match (u32::try_from(before), u32::try_from(self.stand_ins.len())) {
            (Ok(before), Ok(all)) => (before, all),
            _ => return other("it has too many imports"),
        };
        Ok(match self.stand_ins.get(before) {
            Some(stand_in) if stand_in.import == function => self.functions - all + before_it,
            _ => function - before_it,
        })
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        let mut function = 0;
        for import in section.into_imports() {
            let import = import?;
            if matches!(import.ty, TypeRef::Func(_)) {
                function += 1;
                if self.stand_ins.binary_search_by_key(&(function - 1), |it| it.import).is_ok() {
                    continue;
                }
            }
            self.parse_import(imports, import)?;
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        utils::parse_function_section(self, functions, section)?;
        for stand_in in &self.stand_ins {
            functions.function(stand_in.ty);
        }
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: wasmparser::TableSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        if section.count() != 1 {
            return other("it has several tables");
        }
        for table in section {
            if !matches!(table?.init, wasmparser::TableInit::RefNull) {
                return other("its table is filled with something");
            }
            tables.table(self.table);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(TABLE, ExportKind::Table, 0);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        utils::parse_code_section(self, code, section)?;
        for StandIn { ty, parameters, place, .. } in &self.stand_ins {
            let Ok(place) = i32::try_from(self.first.saturating_add(*place)) else { return other("it is too large") };
            let mut body = Function::new([]);
            for parameter in 0..*parameters {
                body.instruction(&Instruction::LocalGet(parameter));
            }
            body.instruction(&Instruction::I32Const(place))
                .instruction(&Instruction::CallIndirect { type_index: *ty, table_index: 0 })
                .instruction(&Instruction::End);
            code.function(&body);
        }
        Ok(())
    }

    fn parse_data_section(
        &mut self,
        data: &mut DataSection,
        section: wasmparser::DataSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        match self.data {
            Data::Stays => utils::parse_data_section(self, data, section),
            Data::Goes => Ok(()),
        }
    }

    /// Whoever looks at the table would see the new places.
    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error<OtherShape>> {
        match operator {
            Operator::TableGet { .. }
            | Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableSize { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => other("it looks at its table"),
            operator => utils::instruction(self, operator),
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
