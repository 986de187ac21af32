//! Finds the shim, the module that it is for, and the fixup. It says what is what, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{
    BinaryReaderError, CanonicalFunction, Chunk, ComponentAlias, ComponentOuterAliasKind, ElementItems, ElementKind,
    ExternalKind, Instance, Operator, Parser, Payload, TypeRef,
};

/// What the shim calls its table.
pub(super) const TABLE: &str = "$imports";

/// Where the parts are among the core modules, instances and functions of the component.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) shim_module: u32,
    pub(super) shim_instance: u32,
    pub(super) main_module: u32,
    pub(super) main_instance: u32,
    pub(super) fixup_module: u32,
    /// The instance that the fixup is given.
    pub(super) filling: u32,
    /// The memory of the main module, as the component knows it, if nothing runs between the module and the fixup.
    pub(super) memory: Option<u32>,
    /// The functions of the shim, as the component knows them.
    pub(super) stand_ins: BTreeSet<u32>,
    /// Which place of the shim's table an import of the main module stands for, by its module and name.
    pub(super) places: BTreeMap<(String, String), u32>,
    /// How many places there are.
    pub(super) count: u32,
}

/// The core items of a component, in their order.
#[derive(Default)]
struct Items<'a> {
    modules: Vec<&'a [u8]>,
    instances: Vec<Instance<'a>>,
    // Of which instance, and by which name, if it is an export of one.
    functions: Vec<Option<(u32, &'a str)>>,
    tables: Vec<(u32, &'a str)>,
    // Of which instance.
    memories: Vec<u32>,
}

impl Shape {
    pub(super) fn of(component: &[u8]) -> Option<Self> {
        let items = Items::of(component).ok()??;
        let (shim_module, places) = items.shim()?;
        let (shim_instance, arguments) = only(items.made_of(shim_module))?;
        if !arguments.is_empty() {
            return None;
        }
        let table = index(only(items.tables.iter().enumerate().filter(|(_, (of, _))| *of == shim_instance))?.0)?;
        let stand_ins: BTreeMap<u32, u32> = items
            .functions
            .iter()
            .enumerate()
            .filter_map(|(number, of)| of.filter(|(of, _)| *of == shim_instance).map(|(_, name)| (number, name)))
            .map(|(number, name)| Some((index(number)?, *places.get(name)?)))
            .collect::<Option<_>>()?;
        let (fixup_module, _) = only(items.given(|kind, item| kind == ExternalKind::Table && item == table))?;
        if !is_fixup(items.modules.get(usize::try_from(fixup_module).ok()?)?).ok()? {
            return None;
        }
        let (main_module, given) =
            only(items.given(|kind, item| kind == ExternalKind::Func && stand_ins.contains_key(&item)))?;
        let (main_instance, _) = only(items.made_of(main_module))?;
        let (fixup_instance, arguments) = only(items.made_of(fixup_module))?;
        let filling = only(arguments.iter())?.index;
        let between =
            items.instances.get(usize::try_from(main_instance).ok()? + 1..usize::try_from(fixup_instance).ok()?)?;
        let nothing_runs = between.iter().all(|it| matches!(it, Instance::FromExports(_)));
        let memory = items.memories.iter().position(|of| *of == main_instance);
        let places_of_imports = given
            .into_iter()
            .map(|(module, name, item)| Some(((module, name), *stand_ins.get(&item)?)))
            .collect::<Option<_>>()?;
        Some(Self {
            shim_module,
            shim_instance,
            main_module,
            main_instance,
            fixup_module,
            filling,
            memory: memory.filter(|_| nothing_runs).and_then(index),
            stand_ins: stand_ins.into_keys().collect(),
            places: places_of_imports,
            count: index(places.len())?,
        })
    }
}

/// What a module is given that was asked for: the module and the name of the import, and the item.
type Given = Vec<(String, String, u32)>;

impl<'a> Items<'a> {
    /// Reads them; none if some come from elsewhere, or a component within knows this one's modules.
    fn of(component: &'a [u8]) -> Result<Option<Self>, BinaryReaderError> {
        let mut items = Self::default();
        let (mut parser, mut rest) = (Parser::new(0), component);
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else { return Ok(None) };
            rest = rest.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ModuleSection { unchecked_range, .. } => {
                    let Some(module) = rest.get(..unchecked_range.len()) else { return Ok(None) };
                    items.modules.push(module);
                    rest = rest.get(module.len()..).unwrap_or_default();
                }
                Payload::ComponentSection { unchecked_range, .. } => {
                    let Some(within) = rest.get(..unchecked_range.len()) else { return Ok(None) };
                    if knows_modules(within)? {
                        return Ok(None);
                    }
                    rest = rest.get(within.len()..).unwrap_or_default();
                }
                Payload::InstanceSection(section) => {
                    for instance in section {
                        items.instances.push(instance?);
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        if !items.alias(&alias?) {
                            return Ok(None);
                        }
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        // All others make a core function.
                        if !matches!(function?, CanonicalFunction::Lift { .. }) {
                            items.functions.push(None);
                        }
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        if matches!(import?.ty, wasmparser::ComponentTypeRef::Module(_)) {
                            return Ok(None);
                        }
                    }
                }
                Payload::End(_) => return Ok(Some(items)),
                _ => {}
            }
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> bool {
        match *alias {
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, instance_index, name } => {
                self.functions.push(Some((instance_index, name)));
            }
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Table, instance_index, name } => {
                self.tables.push((instance_index, name));
            }
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Memory, instance_index, .. } => {
                self.memories.push(instance_index);
            }
            ComponentAlias::InstanceExport { kind: wasmparser::ComponentExternalKind::Module, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => return false,
            _ => {}
        }
        true
    }

    /// The only module that is a shim, and which place each of its functions calls.
    fn shim(&self) -> Option<(u32, BTreeMap<&'a str, u32>)> {
        let shims = self.modules.iter().enumerate().filter_map(|(number, module)| {
            let places = places(module).ok()??;
            Some((index(number)?, places))
        });
        only(shims)
    }

    /// The instances that are made of this module, and what they are given.
    fn made_of(&self, module: u32) -> impl Iterator<Item = (u32, &[wasmparser::InstantiationArg<'a>])> {
        self.instances.iter().enumerate().filter_map(move |(number, instance)| match instance {
            Instance::Instantiate { module_index, args } if *module_index == module => Some((index(number)?, &**args)),
            Instance::Instantiate { .. } | Instance::FromExports(_) => None,
        })
    }

    /// The modules that are given such items.
    fn given(&self, is_asked_for: impl Fn(ExternalKind, u32) -> bool) -> impl Iterator<Item = (u32, Given)> {
        self.instances.iter().filter_map(move |instance| {
            let Instance::Instantiate { module_index, args } = instance else { return None };
            let mut given = Given::new();
            for argument in args {
                let Some(Instance::FromExports(exports)) = self.instances.get(usize::try_from(argument.index).ok()?)
                else {
                    continue;
                };
                let asked_for = exports.iter().filter(|export| is_asked_for(export.kind, export.index));
                given.extend(asked_for.map(|it| (argument.name.to_owned(), it.name.to_owned(), it.index)));
            }
            (!given.is_empty()).then_some((*module_index, given))
        })
    }
}

fn index(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

fn knows_modules(component: &[u8]) -> Result<bool, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ComponentAliasSection(section) = payload? {
            for alias in section {
                if matches!(alias?, ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. }) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Which place of its table each function of a shim calls; none if the module is something else.
fn places(module: &[u8]) -> Result<Option<BTreeMap<&str, u32>>, BinaryReaderError> {
    let (mut called, mut exports, mut has_table) = (Vec::new(), Vec::new(), false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    match export.kind {
                        ExternalKind::Table if export.name == TABLE => has_table = true,
                        ExternalKind::Func => exports.push((export.name, export.index)),
                        _ => return Ok(None),
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                if body.get_locals_reader()?.get_count() > 0 {
                    return Ok(None);
                }
                let Some(place) = called_place(body.get_operators_reader()?)? else { return Ok(None) };
                called.push(place);
            }
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::FunctionSection(_)
            | Payload::TableSection(_)
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Ok(None),
        }
    }
    let places = exports.iter().map(|(name, function)| Some((*name, *called.get(usize::try_from(*function).ok()?)?)));
    let places: Option<BTreeMap<_, _>> = places.collect();
    // Each place is called by one function.
    let is_whole = |places: &BTreeMap<_, u32>| {
        places.len() == called.len()
            && places.values().copied().collect::<BTreeSet<_>>().into_iter().eq(0..called.len() as u32)
    };
    Ok(places.filter(|places| has_table && !places.is_empty() && is_whole(places)))
}

/// The place that is called with all that the function was given, and nothing else is done.
fn called_place(mut body: wasmparser::OperatorsReader<'_>) -> Result<Option<u32>, BinaryReaderError> {
    let mut given = 0;
    loop {
        match body.read()? {
            Operator::LocalGet { local_index } if local_index == given => given += 1,
            Operator::I32Const { value } => {
                let calls = matches!(body.read()?, Operator::CallIndirect { table_index: 0, .. });
                let ends = matches!(body.read()?, Operator::End) && body.eof();
                return Ok(u32::try_from(value).ok().filter(|_| calls && ends));
            }
            _ => return Ok(None),
        }
    }
}

/// True if a module does nothing but to put functions into a table that it is given.
fn is_fixup(module: &[u8]) -> Result<bool, BinaryReaderError> {
    let (mut tables, mut elements) = (0, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Table(_) => tables += 1,
                        TypeRef::Func(_) => {}
                        _ => return Ok(false),
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    let is_active = matches!(element.kind, ElementKind::Active { table_index: None | Some(0), .. });
                    if !is_active || !matches!(element.items, ElementItems::Functions(_)) {
                        return Ok(false);
                    }
                    elements += 1;
                }
            }
            Payload::Version { .. } | Payload::TypeSection(_) | Payload::CustomSection(_) | Payload::End(_) => {}
            _ => return Ok(false),
        }
    }
    Ok(tables == 1 && elements == 1)
}
