//! Programs of the guest that plays them: calls with arguments of the right types, of any size and sense, which may be what an earlier
//! call has returned.

use arbitrary::{Result, Unstructured};
use wit_parser::{Handle, Int, Type, TypeDefKind};

use crate::page::{AT_CLOSE, Argument, Call, MOVE_EIGHT, MOVE_FOUR, Move, NOW, Page};
use crate::player::{Import, Player};

/// So many calls fit into the room for them.
const MOST_CALLS: usize = 16;

/// A call whose arguments are made by calls, and theirs by others, ends there.
const MOST_MAKERS: usize = 3;

/// Where results are put: each has its own place, for as long as the connection is there.
const RESULTS: usize = 0x1000;
const RESULT: usize = 64;
const MOST_RESULTS: usize = 1000;

/// How much virtual time a program may ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// As much as it likes.
    Virtual,
    /// A few milliseconds, because they pass. Then the store is there, too.
    Real,
}

/// What a call has returned: what it is, where, and where a 0 says that it is there.
struct Returned {
    name: String,
    at: usize,
    guard: usize,
}

/// Writes the programs of one connection.
pub struct Author<'p> {
    player: &'p Player,
    time: Time,
    returned: Vec<Returned>,
    results: usize,
}

/// Whether a value can be given again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Again,
    Up,
}

/// A value that was returned.
enum Found {
    Here(usize),
    Given(usize),
}

const TEXTS: [&str; 12] =
    ["", "a", "b", "items", "/fuzz", "/other", "* * * * * *", "*/5 * * * *", "Europe/Berlin", "key", "text", "é\u{0}"];
const SIZES: [u32; 8] = [0, 1, 2, 8, 1 << 20, (1 << 20) + 1, 1 << 31, u32::MAX];
const TIMES: [u64; 10] = [0, 1, 2, 5, 100, 60_000, 1 << 32, 1 << 44, i64::MAX as u64, u64::MAX];
const CODES: [u16; 8] = [1000, 1001, 1005, 1006, 1011, 3000, 4999, 5000];

impl<'p> Author<'p> {
    /// For a connection that is new.
    pub fn new(player: &'p Player, time: Time) -> Self {
        Self { player, time, returned: Vec::new(), results: 0 }
    }

    /// A program for a message, now or when the connection closes.
    pub fn program(&mut self, u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
        let magic = if u.ratio(1, 8)? { AT_CLOSE } else { NOW };
        let page = self.page(u, None)?;
        Ok(page.bytes(magic).0)
    }

    fn page(&mut self, u: &mut Unstructured<'_>, given: Option<usize>) -> Result<Page> {
        let mut page = Page::new(given);
        for _ in 0..u.int_in_range(1..=8)? {
            let number = u.choose_index(self.player.imports.len())?;
            self.call(u, number, &mut page)?;
        }
        Ok(page)
    }

    fn call(&mut self, u: &mut Unstructured<'_>, number: usize, page: &mut Page) -> Result<()> {
        let player = self.player;
        let import = &player.imports[number];
        if import.is_of_store && self.time == Time::Virtual {
            return Ok(());
        }
        page.guard = 0;
        let mut arguments = Vec::new();
        if let Some(resource) = import.drops() {
            arguments.push(match self.returned_as(u, resource, Use::Up, page)? {
                Some(Found::Here(at)) => Argument::Four(at),
                _ => Argument::Is(u.int_in_range(0..=3)?),
            });
        }
        for ty in &import.params {
            self.lower(u, ty, &mut arguments, page)?;
        }
        self.results = (self.results + 1) % MOST_RESULTS;
        let result = RESULTS + self.results * RESULT;
        if import.is_pointed_at {
            arguments.push(Argument::Is(result as u64));
        }
        let guard = page.guard;
        page.calls.push(Call { import: number as u32, guard, result, arguments });
        self.returned.extend(self.returned_by(import, result, guard));
        Ok(())
    }

    /// What a call returns that others can be given, if its result is put there.
    fn returned_by(&self, import: &Import, at: usize, guard: usize) -> Option<Returned> {
        let mut ty = import.result?;
        let mut place = (at, guard);
        if let Some(TypeDefKind::Result(result)) = self.kind(&ty) {
            let cases = [result.ok.as_ref(), result.err.as_ref()];
            place = (at + self.player.sizes.payload_offset(Int::U8, cases).size_wasm32(), at);
            ty = result.ok?;
        }
        Some(Returned { name: self.name(&ty)?, at: place.0, guard: place.1 })
    }

    /// What a type is known by whose values are not made up but returned.
    fn name(&self, ty: &Type) -> Option<String> {
        let Type::Id(id) = ty else { return None };
        let definition = &self.player.resolve.types[*id];
        match &definition.kind {
            TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) => {
                self.player.resolve.types[*resource].name.clone()
            }
            TypeDefKind::Type(_) => definition.name.clone(),
            _ => None,
        }
    }

    fn kind(&self, ty: &Type) -> Option<&'p TypeDefKind> {
        let Type::Id(id) = ty else { return None };
        match &self.player.resolve.types[*id].kind {
            TypeDefKind::Type(inner) => self.kind(inner),
            kind => Some(kind),
        }
    }

    /// Where an earlier call has put a value of this name, mostly; one is made for it if there is none.
    fn returned_as(
        &mut self,
        u: &mut Unstructured<'_>,
        name: &str,
        using: Use,
        page: &mut Page,
    ) -> Result<Option<Found>> {
        if u.ratio(1, 32)? {
            return Ok(None);
        }
        let of_name = |author: &Self| {
            let those = author.returned.iter().enumerate().filter(|(_, it)| it.name == name);
            those.map(|(number, _)| number).collect::<Vec<_>>()
        };
        let mut those = of_name(self);
        if those.is_empty() {
            let returns = |import: &Import| self.returned_by(import, 0, 0).is_some_and(|it| it.name == name);
            let makers: Vec<_> = self
                .player
                .imports
                .iter()
                .enumerate()
                .filter(|(_, it)| returns(it))
                .map(|(number, _)| number)
                .collect();
            if makers.is_empty() || page.making >= MOST_MAKERS || page.calls.len() - page.moves >= MOST_CALLS {
                return Ok(None);
            }
            let (guard, maker) = (page.guard, *u.choose(&makers)?);
            page.making += 1;
            self.call(u, maker, page)?;
            page.making -= 1;
            page.guard = guard;
            those = of_name(self);
            if those.is_empty() {
                return Ok(None);
            }
        }
        // Mostly the last one: who comes earlier has often been used up.
        let back = if u.ratio(3, 4)? { 0 } else { u.int_in_range(0..=15)? % those.len() };
        let number = those[those.len() - 1 - back];
        let Returned { at, guard, .. } = self.returned[number];
        if page.given.is_some_and(|given| number < given) {
            return Ok(Some(Found::Given(at)));
        }
        if using == Use::Up && !u.ratio(1, 16)? {
            self.returned.remove(number);
        }
        page.guard = guard;
        Ok(Some(Found::Here(at)))
    }

    fn lower(&mut self, u: &mut Unstructured<'_>, ty: &Type, to: &mut Vec<Argument>, page: &mut Page) -> Result<()> {
        if let Some(name) = self.name(ty) {
            if name == "request" && page.given.is_none() && !u.ratio(1, 32)? {
                to.push(Argument::Request);
                return Ok(());
            }
            let using = match self.kind(ty) {
                Some(TypeDefKind::Handle(Handle::Own(_))) => Use::Up,
                _ => Use::Again,
            };
            match (self.returned_as(u, &name, using, page)?, self.bare(ty)) {
                (Some(Found::Here(at)), Type::String) => to.extend([Argument::Four(at), Argument::Four(at + 4)]),
                (Some(Found::Here(at)), Type::U64) => to.push(Argument::Eight(at)),
                (Some(Found::Here(at)), _) => to.push(Argument::Four(at)),
                (Some(Found::Given(at)), Type::U64) => to.push(Argument::Given(at)),
                // A text or a resource of another instance is none here.
                (Some(Found::Given(_)) | None, _) => return self.make_up(u, ty, to, page),
            }
            return Ok(());
        }
        self.make_up(u, ty, to, page)
    }

    fn make_up(&mut self, u: &mut Unstructured<'_>, ty: &Type, to: &mut Vec<Argument>, page: &mut Page) -> Result<()> {
        match (self.bare(ty), self.kind(ty)) {
            (Type::String, _) => {
                let text = self.text(u)?;
                self.span(u, (text.into_bytes(), None, Vec::new()), to, page)?;
            }
            (_, Some(TypeDefKind::List(element))) => {
                let list = self.list(u, element, page)?;
                self.span(u, list, to, page)?;
            }
            (_, Some(TypeDefKind::Record(record))) => {
                for field in &record.fields {
                    self.lower(u, &field.ty, to, page)?;
                }
            }
            (_, Some(TypeDefKind::Tuple(tuple))) => {
                for ty in &tuple.types {
                    self.lower(u, ty, to, page)?;
                }
            }
            (_, Some(kind)) if cases(kind).is_some() => {
                let cases = cases(kind).unwrap_or_default();
                let (case, begin) = (u.choose_index(cases.len())?, to.len());
                to.push(Argument::Is(case as u64));
                if let Some(ty) = &cases[case] {
                    self.lower(u, ty, to, page)?;
                }
                to.resize(begin + self.width(ty), Argument::Is(0));
            }
            _ => to.push(Argument::Is(self.scalar(u, &self.bare(ty), page)?)),
        }
        Ok(())
    }

    /// How many core values a type has.
    fn width(&self, ty: &Type) -> usize {
        match (self.bare(ty), self.kind(ty)) {
            (Type::String, _) | (_, Some(TypeDefKind::List(_))) => 2,
            (_, Some(TypeDefKind::Record(record))) => record.fields.iter().map(|field| self.width(&field.ty)).sum(),
            (_, Some(TypeDefKind::Tuple(tuple))) => tuple.types.iter().map(|ty| self.width(ty)).sum(),
            (_, Some(kind)) => match cases(kind) {
                Some(cases) => 1 + cases.iter().flatten().map(|ty| self.width(ty)).max().unwrap_or_default(),
                None => 1,
            },
            _ => 1,
        }
    }

    fn bare(&self, ty: &Type) -> Type {
        match ty {
            Type::Id(id) => match &self.player.resolve.types[*id].kind {
                TypeDefKind::Type(inner) => self.bare(inner),
                _ => *ty,
            },
            ty => *ty,
        }
    }

    fn text(&self, u: &mut Unstructured<'_>) -> Result<String> {
        Ok(match u.int_in_range(0..=7)? {
            0 => u.arbitrary::<&str>()?.to_owned(),
            1 => "x".repeat(u.int_in_range(0..=300)?),
            _ => (*u.choose(&TEXTS)?).to_owned(),
        })
    }

    /// Puts bytes among the data, and hands over where they are; seldom anything else.
    fn span(&self, u: &mut Unstructured<'_>, list: List, to: &mut Vec<Argument>, page: &mut Page) -> Result<()> {
        if u.ratio(1, 255)? {
            to.extend([Argument::Is(u64::from(u.arbitrary::<u32>()?)), Argument::Is(u64::from(*u.choose(&SIZES)?))]);
            return Ok(());
        }
        let (bytes, count, moves) = list;
        let at = page.put(&bytes);
        for Move { from, to, kind } in moves {
            page.move_value(from, at + to, kind);
        }
        to.extend([Argument::Is(at as u64), Argument::Is(count.unwrap_or(bytes.len()) as u64)]);
        Ok(())
    }

    fn list(&mut self, u: &mut Unstructured<'_>, element: &Type, page: &mut Page) -> Result<List> {
        if self.bare(element) == Type::U8 {
            return Ok(match u.int_in_range(0..=7)? {
                0 => (vec![u.arbitrary()?; u.int_in_range(0..=70_000)?], None, Vec::new()),
                1..=3 if page.given.is_none() => self.inner(u)?,
                _ => {
                    let size = u.int_in_range(0..=16)?;
                    (u.bytes(usize::min(size, u.len()))?.to_vec(), None, Vec::new())
                }
            });
        }
        let count = u.int_in_range(0..=4)?;
        let size = self.player.sizes.size(element).size_wasm32();
        let (mut bytes, mut moves) = (vec![0; size * count], Vec::new());
        for number in 0..count {
            let mut arguments = Vec::new();
            self.lower(u, element, &mut arguments, page)?;
            // Elements of lists are numbers, handles and strings, whose core values stand one behind the other.
            let width = size / arguments.len().max(1);
            for (place, argument) in arguments.iter().enumerate() {
                let to = number * size + place * width;
                match *argument {
                    Argument::Is(value) => {
                        bytes[to..to + width.min(8)].copy_from_slice(&value.to_le_bytes()[..width.min(8)]);
                    }
                    Argument::Four(from) => moves.push(Move { from, to, kind: MOVE_FOUR }),
                    Argument::Eight(from) => moves.push(Move { from, to, kind: MOVE_EIGHT }),
                    Argument::Given(_) | Argument::Request => {}
                }
            }
        }
        Ok((bytes, Some(count), moves))
    }

    /// A program for a worker, a timer or an item, which may use what this one was given.
    fn inner(&mut self, u: &mut Unstructured<'_>) -> Result<List> {
        // What it returns is in another instance.
        let (known, results) = (self.returned.len(), self.results);
        let inner = self.page(u, Some(known))?;
        self.returned.truncate(known);
        self.results = results;
        let (bytes, moves) = inner.bytes(NOW);
        Ok((bytes, None, moves))
    }

    fn scalar(&self, u: &mut Unstructured<'_>, ty: &Type, page: &Page) -> Result<u64> {
        Ok(match ty {
            Type::Bool => u64::from(u.arbitrary::<bool>()?),
            Type::U8 | Type::S8 => u64::from(u.arbitrary::<u8>()?),
            Type::U16 | Type::S16 => u64::from(*u.choose(&CODES)?),
            Type::U32 | Type::S32 => u64::from(*u.choose(&SIZES)?),
            Type::U64 | Type::S64 if self.time == Time::Real => u.int_in_range(0..=1)?,
            // A worker has no time limit, and is waited for.
            Type::U64 | Type::S64 if page.given.is_some() => *u.choose(&TIMES[..6])?,
            Type::U64 | Type::S64 => *u.choose(&TIMES)?,
            // A handle that nobody has returned.
            _ => u.int_in_range(0..=3)?,
        })
    }
}

/// The bytes of a list, how many elements it has if they are no bytes, and what goes into it.
type List = (Vec<u8>, Option<usize>, Vec<Move>);

/// The cases of a variant, or of what is one.
fn cases(kind: &TypeDefKind) -> Option<Vec<Option<Type>>> {
    match kind {
        TypeDefKind::Variant(variant) => Some(variant.cases.iter().map(|case| case.ty).collect()),
        TypeDefKind::Enum(it) => Some(vec![None; it.cases.len()]),
        TypeDefKind::Option(ty) => Some(vec![None, Some(*ty)]),
        TypeDefKind::Result(result) => Some(vec![result.ok, result.err]),
        _ => None,
    }
}
