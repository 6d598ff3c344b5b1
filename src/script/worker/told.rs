//! What a script tells: its console, its result as JSON, its error. All of it is native, so that
//! nothing a script does to the builtins reaches it, and a script that tells nothing costs nothing.

use std::{cell::RefCell, rc::Rc};

use rquickjs::{
    Coerced, Ctx, Error, Exception, FromJs, Function, Object, String as Text, Type, Value, function::Rest,
};

use super::result;

/// Longest message of an error, in characters.
const MESSAGE: usize = 2048;
/// Longest name of an error or of a member, in characters.
const NAME: usize = 100;
/// As much of a stack as holds its first place.
const STACK: usize = 200;
/// Of `console`: most lines, characters a line, bytes in all.
const LINES: usize = 100;
const LINE: usize = 1024;
const CONSOLE: usize = 16 * 1024;

/// The lines of a script's `console`.
#[derive(Clone, Default)]
pub(super) struct Console(Rc<RefCell<Written>>);

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    length: usize,
    dropped: usize,
}

impl Written {
    fn is_full(&self) -> bool {
        self.lines.len() >= LINES || self.length >= CONSOLE
    }
}

impl Console {
    /// The object that writes here.
    pub(super) fn object<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>, Error> {
        let console = self.clone();
        let write = move |ctx: Ctx<'js>, values: Rest<Value<'js>>| console.write(&ctx, &values);
        let write = Function::new(ctx.clone(), write)?;
        let object = Object::new(ctx.clone())?;
        for name in ["log", "info", "warn", "error", "debug", "trace"] {
            object.set(name, write.clone())?;
        }
        Ok(object)
    }

    fn write<'js>(&self, ctx: &Ctx<'js>, values: &[Value<'js>]) {
        if self.0.borrow().is_full() {
            self.0.borrow_mut().dropped += 1;
            return;
        }
        let mut line = String::new();
        for (index, value) in values.iter().enumerate() {
            if line.len() >= LINE {
                break;
            }
            if index > 0 {
                line.push(' ');
            }
            // A getter of the value may write as well: nothing is borrowed here.
            line.push_str(&show(ctx, value));
        }
        let line = cut(line, LINE);
        let mut written = self.0.borrow_mut();
        written.length += line.len() + 1;
        written.lines.extend(line.lines().map(str::to_owned));
    }

    /// What was written.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut written = self.0.take();
        if written.dropped > 0 {
            written.lines.push(format!("({} more lines)", written.dropped));
        }
        written.lines
    }
}

/// A result as JSON text: `null` for `undefined`, text for a BigInt; functions and symbols throw.
pub(super) fn seal<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<String, Error> {
    let json = match value.type_of() {
        Type::Undefined | Type::Null => return Ok("null".to_owned()),
        Type::Bool | Type::Int | Type::Float | Type::String => ctx.json_stringify(value)?,
        _ => {
            let replace = move |ctx: Ctx<'js>, key: Value<'js>, value: Value<'js>| fit(&ctx, &key, value);
            let replace = Function::new(ctx.clone(), replace)?;
            ctx.json_stringify_replacer(value, replace)?
        }
    };
    json.map_or_else(|| Ok("null".to_owned()), |json| json.to_string())
}

/// What JSON has no form for becomes text, or an error.
fn fit<'js>(ctx: &Ctx<'js>, key: &Value<'js>, value: Value<'js>) -> Result<Value<'js>, Error> {
    let kind = match value.type_of() {
        Type::BigInt => return Ok(Coerced::<Text>::from_js(ctx, value)?.0.into_value()),
        Type::Symbol => "symbol",
        _ if value.is_function() => "function",
        _ => return Ok(value),
    };
    let at = key.as_string().map(|key| cut(text(ctx, key), NAME)).filter(|key| !key.is_empty());
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    Err(Exception::throw_type(ctx, &format!("the result contains a {kind}{at}")))
}

/// Whether JavaScript calls it true.
pub(super) fn truthy<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<bool, Error> {
    Ok(Coerced::<bool>::from_js(ctx, value.clone())?.0)
}

/// What was thrown, in words.
#[derive(Default)]
pub(super) struct Described {
    pub(super) name: Option<String>,
    pub(super) message: String,
    pub(super) stack: Option<String>,
}

/// Reads it, whatever its getters do.
pub(super) fn describe<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Described {
    let mut told = Described::default();
    let mut message = None;
    if let Some(object) = thrown.as_object().filter(|_| !thrown.is_function()) {
        let mut read = || -> Result<(), Error> {
            told.name = member(ctx, object, "name", NAME)?;
            message = member(ctx, object, "message", MESSAGE)?;
            told.stack = member(ctx, object, "stack", STACK)?;
            Ok(())
        };
        if read().is_err() {
            // A getter threw: what is known stays.
            ctx.catch();
        }
    }
    told.message = match message {
        Some(message) => message,
        None => format!("the script threw {}", show(ctx, thrown)),
    };
    told
}

/// A member that is a text.
fn member<'js>(
    ctx: &Ctx<'js>,
    object: &Object<'js>,
    name: &str,
    most: usize,
) -> Result<Option<String>, Error> {
    let value: Value = object.get(name)?;
    Ok(value.as_string().map(|value| cut(text(ctx, value), most)))
}

/// A value in a line of the console.
fn show<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    if value.is_function() {
        return "a function".to_owned();
    }
    match value.type_of() {
        Type::String => value.as_string().map(|value| cut(text(ctx, value), LINE)).unwrap_or_default(),
        Type::Symbol => "a symbol".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Undefined | Type::Bool | Type::Int | Type::Float | Type::BigInt => {
            Coerced::<String>::from_js(ctx, value.clone()).map(|text| text.0).unwrap_or_default()
        }
        _ => show_object(ctx, value).unwrap_or_else(|_| {
            ctx.catch();
            "an object".to_owned()
        }),
    }
}

fn show_object<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String, Error> {
    if let Some(object) = value.as_object()
        && object.get::<_, Value>("stack")?.is_string()
        && let Some(message) = member(ctx, object, "message", LINE)?
    {
        let name = member(ctx, object, "name", NAME)?.unwrap_or_default();
        return Ok(format!("{name}: {message}"));
    }
    let plain = move |ctx: Ctx<'js>, _: Value<'js>, value: Value<'js>| match value.type_of() {
        Type::BigInt => Ok::<_, Error>(Coerced::<Text>::from_js(&ctx, value)?.0.into_value()),
        _ => Ok(value),
    };
    let plain = Function::new(ctx.clone(), plain)?;
    let json = ctx.json_stringify_replacer(value.clone(), plain)?;
    Ok(json.map_or_else(|| "undefined".to_owned(), |json| cut(text(ctx, &json), LINE)))
}

/// As UTF-8: halves of surrogate pairs become the replacement character.
fn text<'js>(ctx: &Ctx<'js>, value: &Text<'js>) -> String {
    if let Ok(text) = value.to_string() {
        return text;
    }
    let json = ctx.json_stringify(value.clone()).ok().flatten().and_then(|json| json.to_string().ok());
    let mended = json.and_then(|json| result::check(json).ok());
    mended.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

/// At most so many characters.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most
        && let Some((at, _)) = text.char_indices().nth(most)
    {
        text.truncate(at);
    }
    text
}
