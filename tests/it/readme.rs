//! What README.md says is there.

use jethub::error::TABLE;

#[test]
fn every_code_has_its_row() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 5);
    let rows: Vec<&str> = rows.collect();
    for row in TABLE {
        let line = format!("| `{}` | {} | {} | {} |", row.text, row.status, row.meaning, row.advice);
        assert!(rows.contains(&line.as_str()), "README.md lacks this row:\n{line}");
    }
}
