//! One execution: a fresh runtime, the script, its result as JSON. Runs in a worker process only.

use std::time::Instant;

use rquickjs::{Ctx, Error, Function, Promise, Value, context::EvalOptions};

use super::{
    result,
    room::{Builtins, Room},
    told::{self, Console},
};
use crate::{
    clock::Clock,
    script::wire::{Job, Reply},
};

/// Carries out a job, in the runtime at hand if it will do. The runtime comes back to be dropped: that
/// takes its time, and the reply need not wait for it.
pub(super) fn execute(job: &Job, clock: &Clock, ready: Option<Room>) -> (Reply, Option<Room>) {
    let deadline = clock.monotonic() + job.timeout;
    let needed = Builtins::of(&job.code);
    let ready = ready.filter(|room| room.fits(needed));
    let Some(room) = ready.or_else(|| Room::new(clock, needed)) else { return (Reply::Memory, None) };
    (carry_out(job, &room, deadline), Some(room))
}

fn carry_out(job: &Job, room: &Room, deadline: Instant) -> Reply {
    let Room { runtime, context, limit, console, .. } = room;
    runtime.set_memory_limit(job.memory);
    runtime.set_max_stack_size(job.stack);
    limit.set(deadline);
    let outcome = context.with(|ctx| attempt(&ctx, job, console, &|| limit.is_over()));
    // A script cannot catch the interrupt, but its end may look like anything (`dependencies.md` 4.4).
    if limit.has_fired() {
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

fn attempt<'js>(
    ctx: &Ctx<'js>,
    job: &Job,
    console: &Console,
    over: &dyn Fn() -> bool,
) -> Result<Reply, Failure> {
    let run = || -> Result<Option<(String, bool)>, Error> {
        globals(ctx, console, &job.ctx)?;
        let value: Value = compile(ctx, job)?.call(())?;
        let Some(value) = settled(ctx, value, over)? else { return Ok(None) };
        let truthy = told::truthy(ctx, &value)?;
        Ok(Some((told::seal(ctx, value)?, truthy)))
    };
    match run() {
        Ok(Some((json, truthy))) => match result::check(json) {
            Ok(value) => Ok(Reply::Done { value, truthy, console: console.lines() }),
            Err(message) => Err(Failure::Threw(threw(&message, console.lines()))),
        },
        Ok(None) => Err(Failure::Forever(console.lines())),
        Err(Error::Exception) => Err(failure(ctx, &ctx.catch(), console)),
        Err(Error::Allocation) => Err(Failure::Memory),
        Err(error) => Err(Failure::Threw(threw(&error.to_string(), console.lines()))),
    }
}

/// `ctx`, `args`, `console`; shared memory, waiting on it and clocks are nothing that computing needs.
fn globals<'js>(ctx: &Ctx<'js>, console: &Console, json: &str) -> Result<(), Error> {
    let globals = ctx.globals();
    for name in ["Atomics", "SharedArrayBuffer", "performance", "navigator", "gc"] {
        globals.remove(name)?;
    }
    let context = ctx.json_parse(json)?;
    let args: Option<Value> = context.as_object().map(|context| context.get("input")).transpose()?;
    globals.set("args", args)?;
    globals.set("ctx", context)?;
    globals.set("console", console.object(ctx)?)
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

fn failure<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>, console: &Console) -> Failure {
    if thrown.is_null() {
        return Failure::Null;
    }
    let told::Described { name, mut message, stack } = told::describe(ctx, thrown);
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
    Failure::Threw(Reply::Threw { message, name, programming, console: console.lines() })
}

/// The line of a script that its stack begins with; the wrapper's first line is not the script's.
fn line_of(stack: &str) -> Option<u32> {
    let (_, place) = stack.split_once("script:")?;
    let digits = place.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok()?.checked_sub(1).filter(|line| *line > 0)
}
