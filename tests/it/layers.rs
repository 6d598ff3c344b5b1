//! Imports go down: every `crate::` path under `src/` is compared with the table of floors, and the
//! forms that style.md asks for are checked where a compiler cannot.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Floors, lowest first (src/lib.rs, design.md). Modules of floor 0 may use each other.
const FLOORS: &[&[&str]] = &[
    &["config", "error", "ids", "clock", "buckets", "metrics", "faults"],
    &["protocol", "engine", "store", "outbound"],
    &["supervise", "delivery", "auth", "script", "datasource", "ai"],
    &["workflow", "monitor", "widget", "listener", "chat"],
    &["session"],
    &["http"],
    &["server"],
    &["cli", "main"],
];

/// Folders and files that are pure: neither actix, diesel nor tokio, and no clock.
const PURE: &[&str] = &[
    "engine/",
    "ai/catalogue/fill/",
    "protocol/",
    "ids.rs",
    "error.rs",
    "supervise/entry.rs",
    "supervise/policy.rs",
    "supervise/placement.rs",
    "delivery/projection.rs",
    "delivery/queue.rs",
    "widget/processed.rs",
    "listener/room.rs",
    "chat/room/",
    "chat/frames.rs",
    "chat/lines.rs",
    "chat/tools/cells.rs",
    "chat/tools/table.rs",
    "chat/tools/words.rs",
    "ai/llm/chunk.rs",
    "ai/llm/prompt.rs",
    "ai/llm/tools.rs",
    "widget/projection.rs",
    "delivery/wheel.rs",
    "auth/permission.rs",
    "auth/claims.rs",
    "http/control.rs",
    "script/wire.rs",
    "script/fair.rs",
    "session/acks.rs",
    "session/heartbeat.rs",
    "session/close.rs",
];

const READ: &str = "a module imports only from floors below its own, and modules of one floor meet in messages: see ARCHITECTURE.md, Floors";

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The top module that a file belongs to.
fn module_of(file: &str) -> &str {
    let top = file.split('/').next().unwrap_or(file);
    top.strip_suffix(".rs").unwrap_or(top)
}

/// Lines of code, comments and texts blanked out, with their numbers.
fn code(text: &str) -> Vec<(usize, String)> {
    let line = |line: &str| {
        let mut out = String::new();
        let (mut in_text, mut escaped) = (false, false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                _ if escaped => escaped = false,
                '\\' if in_text => escaped = true,
                '\'' if !in_text && chars.peek() == Some(&'"') => {
                    chars.next();
                }
                '"' => in_text = !in_text,
                '/' if !in_text && chars.peek() == Some(&'/') => break,
                _ if in_text => {}
                c => out.push(c),
            }
        }
        out
    };
    text.lines().enumerate().map(|(index, text)| (index + 1, line(text))).collect()
}

/// Top modules named by `crate::…` paths, grouped imports included, with the line they begin on.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let (lines, mut joined) = (code(text), String::new());
    let mut starts = Vec::new();
    for (number, line) in &lines {
        starts.push((joined.len(), *number));
        joined.push_str(line);
        joined.push('\n');
    }
    let line_at =
        |at: usize| starts.iter().rev().find(|(start, _)| *start <= at).map_or(0, |(_, number)| *number);
    for (at, path) in joined.match_indices("crate::") {
        let named_otherwise = joined[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if named_otherwise {
            continue;
        }
        let rest = &joined[at + path.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word, mut at_head) = (0, String::new(), true);
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => at_head = true,
                    c if depth == 0 && at_head && (c.is_alphanumeric() || c == '_') => word.push(c),
                    ':' | ' ' | '\n' if word.is_empty() => {}
                    _ if depth == 0 => at_head = false,
                    _ => {}
                }
                if (!at_head || c == ',') && !word.is_empty() {
                    out.push((line_at(at), std::mem::take(&mut word)));
                }
            }
            if !word.is_empty() {
                out.push((line_at(at), word));
            }
        } else {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            out.push((line_at(at), word));
        }
    }
    out
}

fn upward(file: &str, text: &str) -> Vec<String> {
    let from = module_of(file);
    let Some(own) = floor(from) else { return Vec::new() };
    let wrong = |to: &str| {
        let inside = to == from;
        let crate_wide = floor(to).is_none();
        let downwards = floor(to).is_some_and(|to| to < own || (own == 0 && to == 0));
        !(inside || crate_wide || downwards)
    };
    let found = imports(text).into_iter().filter(|(_, to)| wrong(to));
    found
        .map(|(line, to)| {
            format!(
                "src/{file}:{line}: {from} (floor {own}) imports {to} (floor {}): {READ}",
                floor(&to).unwrap_or(9)
            )
        })
        .collect()
}

#[test]
fn imports_go_down() {
    let wrong: Vec<_> = sources().iter().flat_map(|(file, text)| upward(file, text)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    for (file, _) in sources() {
        let module = module_of(&file);
        assert!(
            module == "lib" || floor(module).is_some(),
            "src/{file}: give {module} a floor in tests/it/layers.rs and src/lib.rs"
        );
    }
}

#[test]
fn the_table_in_lib_rs_is_this_one() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (number, modules) in FLOORS.iter().enumerate() {
        let row = lib.lines().find(|line| line.starts_with(&format!("//! | {number} |"))).unwrap_or_default();
        for module in *modules {
            assert!(
                row.contains(&format!("`{module}`")),
                "src/lib.rs: floor {number} must name {module}: {row}"
            );
        }
    }
}

#[test]
fn pure_files_stay_pure() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if !PURE.iter().any(|pure| file == *pure || (pure.ends_with('/') && file.starts_with(pure))) {
            continue;
        }
        for (number, line) in code(&text) {
            for word in ["actix", "diesel", "tokio::", "Instant::now", "SystemTime::now"] {
                if line.contains(word) {
                    wrong.push(format!("src/{file}:{number}: a pure file knows nothing of {word}: see ARCHITECTURE.md, Floors"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn mod_files_hold_no_logic() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        // The settings' table is a list, like the modules it names.
        if !file.ends_with("mod.rs") || file == "config/sections/mod.rs" {
            continue;
        }
        if !text.starts_with("//!") {
            wrong.push(format!("src/{file}:1: a mod.rs begins with what the module is, owns and never does"));
        }
        for (number, line) in code(&text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.iter().any(|word| ["fn", "impl", "struct", "enum"].contains(word)) {
                wrong.push(format!(
                    "src/{file}:{number}: a mod.rs holds no logic: move this to a file of its own"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_finds_them_all() {
    let text = "use crate::{\n    http::{a, b},\n    ids, store::Store,\n};\n// crate::cli\nlet x = \"crate::cli\"; crate::server::run();\n$crate::faults::act();\n";
    let found: Vec<_> = imports(text).into_iter().map(|(line, module)| format!("{line} {module}")).collect();
    assert_eq!(found, ["1 http", "1 ids", "1 store", "6 server", "7 faults"]);
    let wrong = upward("engine/decide.rs", text);
    assert_eq!(wrong.len(), 3, "{wrong:#?}");
    assert!(
        wrong[0]
            .starts_with("src/engine/decide.rs:1: engine (floor 1) imports http (floor 5): a module imports")
    );
}
