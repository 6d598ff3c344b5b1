//! One execution: a fresh runtime, the script, its result as JSON. Runs in a worker process only.

use std::{cell::Cell, rc::Rc};

use rquickjs::{
    Context, Ctx, Error, Function, IntoJs, Object, Promise, Runtime, Value, context::EvalOptions,
};
use serde::Deserialize;

use super::result;
use crate::{
    clock::Clock,
    script::wire::{Job, Reply},
};

/// Longest message of an error, in characters.
const MESSAGE: u32 = 2048;
/// Of `console`: most lines, characters a line, characters in all.
const CONSOLE: (u32, u32, u32) = (100, 1024, 16 * 1024);
const PRELUDE: &str = include_str!("prelude.js");

/// Carries out a job. The runtime is gone when it returns.
pub(super) fn execute(job: &Job, clock: &Clock) -> Reply {
    let deadline = clock.monotonic() + job.timeout;
    let fired = Rc::new(Cell::new(false));
    let Ok(runtime) = Runtime::new() else { return Reply::Memory };
    runtime.set_memory_limit(job.memory);
    runtime.set_max_stack_size(job.stack);
    let over = {
        let (clock, fired) = (clock.clone(), fired.clone());
        move || {
            fired.set(fired.get() || clock.monotonic() >= deadline);
            fired.get()
        }
    };
    runtime.set_interrupt_handler(Some(Box::new(over.clone())));
    let Ok(context) = Context::full(&runtime) else { return Reply::Memory };
    let outcome = context.with(|ctx| attempt(&ctx, job, &over));
    // A script cannot catch the interrupt, but its end may look like anything (`dependencies.md` 4.4).
    if fired.get() {
        return Reply::Timeout;
    }
    let full = || usize::try_from(runtime.memory_usage().malloc_size).is_ok_and(|used| used > job.memory / 2);
    match outcome {
        Ok(reply) => reply,
        Err(Failure::Memory) => Reply::Memory,
        Err(Failure::Null | Failure::Forever(_)) if full() => Reply::Memory,
        // What filled the heap is often gone by now; who throws null on purpose writes it.
        Err(Failure::Null) if !job.code.contains("null") => Reply::Memory,
        Err(Failure::Null) => threw("the script threw null", Vec::new()),
        Err(Failure::Forever(console)) => {
            threw("the script waits for a promise that nothing settles", console)
        }
        Err(Failure::Threw(reply)) => reply,
    }
}

/// Why there is no result.
enum Failure {
    Threw(Reply),
    /// `null` was thrown, or nothing can be said of it: so does QuickJS when memory is gone.
    Null,
    Memory,
    /// No job is left that could settle the promise.
    Forever(Vec<String>),
}

fn threw(message: &str, console: Vec<String>) -> Reply {
    Reply::Threw { message: message.to_owned(), name: None, programming: false, console }
}

fn attempt<'js>(ctx: &Ctx<'js>, job: &Job, over: &dyn Fn() -> bool) -> Result<Reply, Failure> {
    let prelude = Prelude::new(ctx).map_err(|_| Failure::Memory)?;
    let run = || -> Result<Option<(String, bool)>, Error> {
        prelude.globals(ctx, &job.ctx)?;
        let value: Value = compile(ctx, job)?.call(())?;
        let Some(value) = settled(ctx, value, over)? else { return Ok(None) };
        let truthy = prelude.call("truthy", value.clone())?;
        Ok(Some((prelude.call("seal", value)?, truthy)))
    };
    match run() {
        Ok(Some((json, truthy))) => match result::check(json) {
            Ok(value) => Ok(Reply::Done { value, truthy, console: prelude.console() }),
            Err(message) => Err(Failure::Threw(threw(&message, prelude.console()))),
        },
        Ok(None) => Err(Failure::Forever(prelude.console())),
        Err(Error::Exception) => Err(prelude.describe(&ctx.catch())),
        Err(Error::Allocation) => Err(Failure::Memory),
        Err(error) => Err(Failure::Threw(threw(&error.to_string(), prelude.console()))),
    }
}

/// Drives the jobs until the promise is settled; `None` when no job is left to do that.
fn settled<'js>(
    ctx: &Ctx<'js>,
    value: Value<'js>,
    over: &dyn Fn() -> bool,
) -> Result<Option<Value<'js>>, Error> {
    let Some(promise) = value.as_promise().cloned() else { return Ok(Some(value)) };
    let promise: Promise = promise;
    loop {
        if let Some(result) = promise.result() {
            return result.map(Some);
        }
        // The engine asks for the time inside a job; a chain of short ones is ended here.
        if over() || !ctx.execute_pending_job() {
            return Ok(None);
        }
    }
}

/// The script as a function. The text stands on lines of its own: a comment at its end ends there.
fn compile<'js>(ctx: &Ctx<'js>, job: &Job) -> Result<Function<'js>, Error> {
    let compile = |body: &str| -> Result<Function<'js>, Error> {
        let mut options = EvalOptions::default();
        options.strict = false;
        options.filename = Some("script".to_owned());
        ctx.eval_with_options(format!("(async function () {{\n{body}\n}})"), options)
    };
    if !job.expression {
        return compile(&job.code);
    }
    let text = job.code.trim().trim_end_matches(';');
    let first = match compile(&format!("return (\n{text}\n);")) {
        Err(Error::Exception) => ctx.catch(),
        other => return other,
    };
    // `a > b; // why`, or a whole body.
    for body in [format!("return {text}"), job.code.clone()] {
        if !(body.starts_with("return") || body.contains("return")) {
            continue;
        }
        match compile(&body) {
            Err(Error::Exception) => ctx.catch(),
            other => return other,
        };
    }
    Err(ctx.throw(first))
}

/// What prelude.js gives.
struct Prelude<'js>(Object<'js>);

/// An error as prelude.js describes it.
#[derive(Deserialize)]
struct Described {
    name: Option<String>,
    message: String,
    stack: Option<String>,
}

impl<'js> Prelude<'js> {
    fn new(ctx: &Ctx<'js>) -> Result<Self, Error> {
        let (lines, line, console) = CONSOLE;
        let limits = Object::new(ctx.clone())?;
        limits.set("lines", lines)?;
        limits.set("line", line)?;
        limits.set("console", console)?;
        limits.set("message", MESSAGE)?;
        limits.set("result", result::LONGEST)?;
        let start: Function = ctx.eval(PRELUDE)?;
        start.call((limits,)).map(Self)
    }

    /// `ctx`, `args`, `console`.
    fn globals(&self, ctx: &Ctx<'js>, json: &str) -> Result<(), Error> {
        let globals = ctx.globals();
        let context = ctx.json_parse(json)?;
        let args: Option<Value> = context.as_object().map(|context| context.get("input")).transpose()?;
        globals.set("args", args)?;
        globals.set("ctx", context)?;
        globals.set("console", self.0.get::<_, Value>("console")?)
    }

    fn call<A: IntoJs<'js>, R: rquickjs::FromJs<'js>>(&self, name: &str, argument: A) -> Result<R, Error> {
        self.0.get::<_, Function>(name)?.call((argument,))
    }

    fn console(&self) -> Vec<String> {
        let written: String = self.call("written", ()).unwrap_or_default();
        written.lines().map(str::to_owned).collect()
    }

    fn describe(&self, thrown: &Value<'js>) -> Failure {
        if thrown.is_null() {
            return Failure::Null;
        }
        let described = self.call("describe", thrown.clone()).ok();
        let described: Option<Described> = described
            .and_then(|json: String| result::check(json).ok())
            .and_then(|json| serde_json::from_str(&json).ok());
        let Some(Described { name, mut message, stack }) = described else { return Failure::Null };
        let engine = name.as_deref() == Some("InternalError");
        if engine && ["out of memory", "string too long"].contains(&message.as_str()) {
            return Failure::Memory;
        }
        let syntax = name.as_deref() == Some("SyntaxError");
        let programming = syntax
            || name.as_deref() == Some("ReferenceError")
            || message.contains("not a function")
            || message.contains("is not defined");
        if let Some(line) = stack.as_deref().and_then(line_of).filter(|_| syntax) {
            message.push_str(&format!(" (line {line})"));
        }
        Failure::Threw(Reply::Threw { message, name, programming, console: self.console() })
    }
}

/// The line of a script that its stack begins with; the wrapper's first line is not the script's.
fn line_of(stack: &str) -> Option<u32> {
    let (_, place) = stack.split_once("script:")?;
    let digits = place.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok()?.checked_sub(1).filter(|line| *line > 0)
}
