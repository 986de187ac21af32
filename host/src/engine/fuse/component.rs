//! The component without its shim: the same items, with other numbers where something before them has gone.

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{
    Component, ComponentAliasSection, ComponentSectionId, ExportKind, InstanceSection, ModuleArg, ModuleSection,
    RawSection,
};
use wasmparser::{ComponentAlias, ExternalKind, Instance, Parser};

use super::little_data::{LittleData, MEMORY};
use super::main_module::Data;
use super::shape::{Shape, TABLE};
use super::{OtherShape, fixup, main_module, other};

/// The component with its shim fused.
pub(super) fn fused(component: &[u8], shape: &Shape) -> Result<Vec<u8>, Error<OtherShape>> {
    let mut fused = Component::new();
    let mut fusing = Fusing { shape, modules: 0, instances: 0, main: None, data: None };
    fusing.parse_component(&mut fused, Parser::new(0), component)?;
    Ok(fused.finish())
}

struct Fusing<'a> {
    shape: &'a Shape,
    // How many have come so far.
    modules: u32,
    instances: u32,
    // The table of the main module, and its first new place.
    main: Option<(wasm_encoder::TableType, u32)>,
    // What goes from the main module to the fixup, and the number of the memory that it is for.
    data: Option<(LittleData, u32)>,
}

impl Fusing<'_> {
    fn gone_before(&self, function: u32) -> Option<u32> {
        u32::try_from(self.shape.stand_ins.range(..function).count()).ok()
    }
}

impl Reencode for Fusing<'_> {
    type Error = OtherShape;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<OtherShape>> {
        match self.gone_before(function) {
            Some(gone) if !self.shape.stand_ins.contains(&function) => Ok(function - gone),
            _ => other("something else uses the shim"),
        }
    }
}

impl ReencodeComponent for Fusing<'_> {
    fn module_index(&mut self, module: u32) -> u32 {
        module - u32::from(module > self.shape.shim_module)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        instance - u32::from(instance > self.shape.shim_instance)
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _parser: Parser,
        module: &[u8],
    ) -> Result<(), Error<OtherShape>> {
        let number = self.modules;
        self.modules += 1;
        if number == self.shape.shim_module {
            return Ok(());
        }
        if number == self.shape.main_module {
            if let Some(memory) = self.shape.memory {
                self.data = LittleData::of(module)?.map(|data| (data, memory));
            }
            let data = if self.data.is_some() { Data::Goes } else { Data::Stays };
            let fused = main_module::fused(module, &self.shape.places, self.shape.count, data)?;
            self.main = Some((fused.table, fused.first));
            component.section(&ModuleSection(&fused.module));
        } else if number == self.shape.fixup_module {
            let Some((table, first)) = self.main else { return other("the fixup comes before what it is for") };
            let data = self.data.as_ref().map(|(data, _)| data);
            component.section(&ModuleSection(&fixup::moved(module, table, first, data)?));
        } else {
            component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        }
        Ok(())
    }

    /// What is within has numbers of its own.
    fn parse_component_subcomponent(
        &mut self,
        component: &mut Component,
        _parser: Parser,
        within: &[u8],
        _whole: &[u8],
    ) -> Result<(), Error<OtherShape>> {
        component.section(&RawSection { id: ComponentSectionId::Component.into(), data: within });
        Ok(())
    }

    fn parse_instance(
        &mut self,
        instances: &mut InstanceSection,
        instance: Instance<'_>,
    ) -> Result<(), Error<OtherShape>> {
        let number = self.instances;
        self.instances += 1;
        if number == self.shape.shim_instance {
            return Ok(());
        }
        match instance {
            Instance::Instantiate { module_index, args } => {
                let module = self.module_index(module_index);
                let args = args.iter().map(|it| (it.name, ModuleArg::Instance(self.instance_index(it.index))));
                instances.instantiate(module, args.collect::<Vec<_>>());
            }
            Instance::FromExports(exports) => {
                let is_left = |kind, index| kind != ExternalKind::Func || !self.shape.stand_ins.contains(&index);
                let left: Vec<_> = exports.iter().filter(|it| is_left(it.kind, it.index)).collect();
                let left = left.into_iter().map(|export| {
                    let index = self.external_index(export.kind, export.index)?;
                    Ok((export.name, self.export_kind(export.kind)?, index))
                });
                let mut left = left.collect::<Result<Vec<_>, Error<OtherShape>>>()?;
                if let Some((_, memory)) = self.data.as_ref().filter(|_| number == self.shape.filling) {
                    left.push((MEMORY, ExportKind::Memory, *memory));
                }
                instances.export_items(left);
            }
        }
        Ok(())
    }

    fn parse_component_alias_section(
        &mut self,
        aliases: &mut ComponentAliasSection,
        section: wasmparser::ComponentAliasSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        for alias in section {
            match alias? {
                ComponentAlias::CoreInstanceExport { kind, instance_index, name }
                    if instance_index == self.shape.shim_instance =>
                {
                    if kind == ExternalKind::Table && name == TABLE {
                        let main = self.shape.main_instance;
                        if self.instances <= main {
                            return other("the table is wanted before it is there");
                        }
                        let instance_index = main;
                        let moved = ComponentAlias::CoreInstanceExport { kind, instance_index, name };
                        aliases.alias(self.component_alias(moved)?);
                    }
                }
                alias => {
                    aliases.alias(self.component_alias(alias)?);
                }
            }
        }
        Ok(())
    }

    /// Names of what has other numbers now, and what others have written into it: nobody reads it in here.
    fn parse_component_custom_section(
        &mut self,
        _component: &mut Component,
        _section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<OtherShape>> {
        Ok(())
    }
}
