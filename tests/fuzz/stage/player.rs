//! A guest that plays programs, made from the WIT: whatever the contract and the capabilities have as imports, it can call.

use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, SizeAlign, Type, TypeDefKind, WorldItem};

use crate::guest;

/// One import.
pub struct Import {
    /// What it is called, interface included.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result.
    pub result: Option<Type>,
    /// Whether the result is put where an additional parameter says.
    pub is_pointed_at: bool,
    /// Whether only the host's store answers, which takes time that does not pass by itself.
    pub is_of_store: bool,
    core: Vec<WasmType>,
    returned: Option<WasmType>,
}

/// All imports, and the component that can call them.
pub struct Player {
    /// The WIT.
    pub resolve: Resolve,
    /// How large its types are.
    pub sizes: SizeAlign,
    /// The imports, by their numbers.
    pub imports: Vec<Import>,
    /// The guest.
    pub component: Vec<u8>,
}

const WORLD: &str = "package fuzz:guest;
world guest {
  include holdline:websocket/imports@0.1.0;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:config/store@0.2.0-rc.1;
  export holdline:websocket/handler@0.1.0;
  export holdline:websocket/worker@0.1.0;
  export holdline:websocket/timer-handler@0.1.0;
  export holdline:websocket/channel-handler@0.1.0;
}";

impl Default for Player {
    fn default() -> Self {
        Self::new()
    }
}

impl Player {
    /// Made from the WIT as it is.
    ///
    /// # Panics
    /// The WIT has what the guest knows no way to call.
    pub fn new() -> Self {
        let mut resolve = Resolve::default();
        guest::contract(&mut resolve);
        guest::capabilities(&mut resolve);
        let package = resolve.push_str("guest.wit", WORLD).expect("a world");
        let world = resolve.select_world(&[package], None).expect("one world");
        let mut imports = Vec::new();
        for (key, item) in &resolve.worlds[world].imports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let interface = resolve.name_world_key(key);
            let functions = resolve.interfaces[*id].functions.values();
            imports.extend(functions.map(|function| import(&resolve, &interface, function)));
            for (name, ty) in &resolve.interfaces[*id].types {
                if matches!(resolve.types[*ty].kind, TypeDefKind::Resource) {
                    imports.push(Import {
                        name: format!("{interface} [resource-drop]{name}"),
                        params: Vec::new(),
                        result: None,
                        is_pointed_at: false,
                        is_of_store: false,
                        core: vec![WasmType::I32],
                        returned: None,
                    });
                }
            }
        }
        let module = include_str!("guests/player.wat")
            .replace("(;IMPORTS;)", &imports.iter().enumerate().map(|(at, it)| it.import(at)).collect::<String>())
            .replace("(;CALLS;)", &imports.iter().enumerate().map(|(at, it)| it.call(at)).collect::<String>());
        let component = guest::component(&resolve, package, &module);
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Self { resolve, sizes, imports, component }
    }
}

fn import(resolve: &Resolve, interface: &str, function: &Function) -> Import {
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    assert!(!signature.indirect_params, "{interface} {} has more parameters than are handed over", function.name);
    Import {
        name: format!("{interface} {}", function.name),
        params: function.params.iter().map(|param| param.ty).collect(),
        result: function.result,
        is_pointed_at: signature.retptr,
        is_of_store: interface.starts_with("wasi:keyvalue"),
        core: signature.params,
        returned: signature.results.first().copied(),
    }
}

fn name(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::F32 | WasmType::F64 => panic!("the contract has no such numbers"),
    }
}

impl Import {
    fn import(&self, number: usize) -> String {
        let (interface, function) = self.name.split_once(' ').expect("both");
        let params: String = self.core.iter().map(|ty| format!(" {}", name(*ty))).collect();
        let result = self.returned.map(|ty| format!("(result {})", name(ty))).unwrap_or_default();
        format!("(import {interface:?} {function:?} (func $import{number} (param{params}) {result}))\n")
    }

    fn call(&self, number: usize) -> String {
        let arguments = self.core.iter().enumerate().map(|(at, ty)| {
            let argument = format!("(call $argument (local.get $call) (i32.const {at}))");
            if name(*ty) == "i64" { argument } else { format!("(i32.wrap_i64 {argument})") }
        });
        let call = format!("(call $import{number} {})", arguments.collect::<String>());
        let call = match self.returned.map(name) {
            None => call,
            Some("i64") => format!("(i64.store (i32.load offset=8 (local.get $call)) {call})"),
            Some(_) => format!("(i64.store (i32.load offset=8 (local.get $call)) (i64.extend_i32_u {call}))"),
        };
        format!("(if (i32.eq (local.get $which) (i32.const {number})) (then {call} (return)))\n")
    }

    /// The name of the resource that it drops, if it drops one.
    pub fn drops(&self) -> Option<&str> {
        self.name.split_once("[resource-drop]").map(|(_, resource)| resource)
    }
}
