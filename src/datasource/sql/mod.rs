//! What the SQL kinds have in common: a saved statement with its parameters, and its answer as JSON.
//!
//! `{{name}}` in a statement stands for an input and becomes a placeholder of the driver; the text
//! that is sent never depends on an input's value (`faults.md` A53), except for the names of columns
//! that the query itself lists under `identifiers`.
//!
//! An answer is `{ "result": [{ column: value }], "rowCount": n }`; a column name that comes twice
//! gets `_2`. Of a write `rowCount` is the number of rows it concerned. How values become JSON:
//!
//! | value | JSON | PostgreSQL | MySQL, MariaDB | SQLite |
//! |---|---|---|---|---|
//! | null | null | all | all | NULL |
//! | truth | true, false | bool | *(a number: tinyint)* | *(a number)* |
//! | whole number up to 2^53 | number | smallint, integer, bigint, oid | all ints, year, bit | INTEGER |
//! | larger whole number | text, every digit | bigint | bigint (also unsigned), bit | INTEGER |
//! | exact number, at most 15 digits | number | numeric | decimal | |
//! | exact number with more digits | text, every digit | numeric | decimal | |
//! | binary number | number; `"NaN"`, `"Infinity"`, `"-Infinity"` as text | real, double precision | float, double | REAL |
//! | money | text | money `"12.34"` | | |
//! | moment | text, UTC: `2026-01-31T10:00:00.5Z` | timestamptz | timestamp | |
//! | date and time without a zone | text: `2026-01-31T10:00:00` | timestamp | datetime | |
//! | date | text: `2026-01-31`; also `infinity` | date | date; `0000-00-00` stays | |
//! | time of day | text: `10:00:00.5`, with a zone `10:00:00+02:00` | time, timetz | time (also `-30:00:00`) | |
//! | span of time | text, ISO 8601: `P1Y2M3DT4H5M6.7S` | interval | | |
//! | text | text | text, varchar, char, name, enum, xml, citext | char, text, enum, set | TEXT |
//! | bytes | text, base64 | bytea | binary, blob, geometry | BLOB |
//! | JSON | the value | json, jsonb | json *(MariaDB: text)* | *(text)* |
//! | uuid, addresses, bits | text | uuid, inet, cidr, macaddr, bit | | |
//! | list | array, nested as it is | arrays | | |
//! | record | object; without names an array | composite, record | | |
//! | range | text: `[1,10)` | ranges, multiranges | | |
//! | anything else | text, as the server writes it | all others | | |
//!
//! With `exactNumbers: true` in a query, numeric, decimal and bigint are always texts.

mod ask;
mod lexer;
mod number;
mod rows;
mod statement;

pub(super) use self::{
    ask::{Ask, Failed, Sent},
    lexer::Dialect,
    number::{big, exact, real},
    rows::{Limits, Rows, Table},
    statement::{Statement, text_of},
};
