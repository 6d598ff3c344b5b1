//! B1 to B32 as a table.

use crate::harness::Target;

use super::table::{Part, Row, Want, carry_out, row};

use Want::{AnyClose, EngineClose, InvalidNamespace, Live, SioClose};

fn raw(name: &str, want: Want, bytes: &[u8]) -> Row {
    let mut row = row(name, want, &[]);
    row.parts.push(Part::Text(bytes.to_vec()));
    row
}

fn engine_rows() -> Vec<Row> {
    let mut rows = vec![
        raw("B1 empty", EngineClose, b""),
        row("B2 type 7", EngineClose, &["7"]),
        row("B2 abc", EngineClose, &["abc"]),
        row("B2 z4hi", EngineClose, &["z4hi"]),
        raw("B2 separators only", EngineClose, b"\x1e\x1e\x1e"),
        row("B3 open from a client", EngineClose, &[r#"0{"sid":"x"}"#]),
        row("B4 upgrade", Live, &["5"]),
        row("B4 noop", Live, &["6"]),
        row("B5 ping", EngineClose, &["2"]),
        row("B5 probe", EngineClose, &["2probe"]),
        row("B6 pongs", Live, &["3"; 100]),
        // one text message: the rest of it is no JSON
        raw("B8 close inside a message", SioClose, b"42[\"message\",1]\x1e1\x1e42[\"message\",2]")
            .polling(None),
        row("B9 no base64", EngineClose, &["b!!!!"]).websocket(Some(AnyClose)),
        row("B9 no padding", EngineClose, &["bAQI"]).websocket(Some(AnyClose)),
        raw("B11 not UTF-8", EngineClose, b"4\xff\xfe"),
    ];
    rows.push(row("B10 binary nobody expects", SioClose, &[]).binary(&[1, 2, 3]));
    rows.push(row("B10 as text", SioClose, &["bAQIDBA=="]).websocket(Some(AnyClose)));
    rows
}

fn connect_rows() -> Vec<Row> {
    let mut rows: Vec<Row> =
        ["4", "49", "4abc"].iter().map(|p| row(&format!("B14 {p}"), SioClose, &[p])).collect();
    rows.push(row("B15 joined already", SioClose, &["40"]));
    rows.push(row("B15 /custom twice", SioClose, &["40/custom,", "40/custom,"]));
    for packet in ["40[1]", "40\"x\"", "40{\"token\":", "40/custom,1"] {
        rows.push(row(&format!("B15 {packet}"), SioClose, &[packet]).not_joined());
    }
    rows.push(row("B16 event before CONNECT", SioClose, &[r#"42["message",1]"#]).not_joined());
    rows.push(row("B16 event elsewhere", SioClose, &[r#"42/never,["x"]"#]));
    rows.push(row("B16 leaving elsewhere", SioClose, &["41/never,"]));
    rows.push(row("B32 query of a namespace", InvalidNamespace, &["40/x?a=b,"]));
    rows.push(raw("B32 NUL in a namespace", InvalidNamespace, b"40/x\0y,"));
    rows.push(row("B32 long namespace", InvalidNamespace, &[&format!("40/{},", "n".repeat(10_000))]));
    rows
}

fn event_rows() -> Vec<Row> {
    let mut rows = vec![row("B17 no payload", SioClose, &["42"])];
    for packet in ["42{}", "42\"x\"", "42[]", "42[null]", "42[{}]", "42[[\"x\"]]", "42[true]"] {
        rows.push(row(&format!("B18 {packet}"), SioClose, &[packet]));
    }
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        rows.push(row(&format!("B19 {name}"), SioClose, &[&format!("42[\"{name}\"]")]));
    }
    rows.extend([
        row("B20 object with toString", SioClose, &[r#"42[{"toString":1}]"#]),
        row("B20 __proto__", Live, &[r#"42["__proto__"]"#]),
        row("B20 plain data", Live, &[r#"42["message",{"__proto__":{"x":1}}]"#]),
        row("B21 letters as id", SioClose, &[r#"42abc["x"]"#]),
        row("B21 negative id", SioClose, &[r#"42-1["message"]"#]),
        row("B21 huge id", SioClose, &[r#"4299999999999999999999["message"]"#]),
        row("B22 CONNECT_ERROR from a client", SioClose, &[r#"44{"message":"x"}"#]),
        row("B28 unknown ack", Live, &[r#"43999["x"]"#]),
        row("B28 ack without id", SioClose, &[r#"43["x"]"#]),
        row("B30 lone surrogate", Live, &[r#"42["message","\ud800"]"#]),
        row("B31 1e999999", Live, &[r#"42["message",1e999999]"#]),
        row("B31 40 digits", Live, &[r#"42["message",1234567890123456789012345678901234567890]"#]),
        row("B31 -0", Live, &[r#"42["message",-0]"#]),
        row("B31 NaN", SioClose, &[r#"42["message",NaN]"#]),
        row("B32 newline behind", Live, &["42[\"message\",1]\n"]),
        raw("B32 NUL behind", SioClose, b"42[\"message\",1]\0"),
        row("B32 a second JSON", SioClose, &[r#"42["message",1]["message",2]"#]),
        row("B29 brackets without end", SioClose, &[&format!("42[\"message\",{}", "[".repeat(100_000))]),
        row("B29 deep and closed", SioClose, &[&nested(100_000)]),
        row("B29 just below the limit", Live, &[&nested(62)]),
        row("B29 just above the limit", SioClose, &[&nested(66)]),
    ]);
    rows
}

/// An event whose argument is that many arrays deep (the event itself is one more).
fn nested(depth: usize) -> String {
    format!("42[\"message\",{}{}]", "[".repeat(depth), "]".repeat(depth))
}

fn binary_rows() -> Vec<Row> {
    let mut rows = vec![
        row("B23 no attachments", SioClose, &[r#"450-["x"]"#]),
        row("B23 no attachments in an ack", SioClose, &[r#"460-1["x"]"#]),
        row("B25 huge count", SioClose, &[r#"4599999999999-["x"]"#]),
        row("B25 two dashes", SioClose, &[r#"45-1-["x"]"#]),
        row("B25 no count", SioClose, &[r#"45["x"]"#]),
        row("B24 eleven", SioClose, &[r#"4511-["x"]"#]),
    ];
    for num in ["\"splice\"", "5", "-1", "1.5", "null"] {
        let packet = format!(r#"451-["x",{{"_placeholder":true,"num":{num}}}]"#);
        rows.push(row(&format!("B26 num {num}"), SioClose, &[&packet]).binary(&[1]));
    }
    rows.push(row("B26 num missing", SioClose, &[r#"451-["x",{"_placeholder":true}]"#]).binary(&[1]));
    let twice = r#"451-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
    rows.push(row("B26 twice the same", SioClose, &[twice]).binary(&[1]));
    let header = r#"451-["x",{"_placeholder":true,"num":0}]"#;
    rows.push(row("B27 text instead of the attachment", SioClose, &[header, r#"42["message",1]"#]));
    rows
}

#[test]
fn engine_packets_owned() {
    carry_out(Target::owned("/socket.io/"), engine_rows());
}

#[test]
fn engine_packets_mounted() {
    carry_out(Target::mounted("/socket.io/"), engine_rows());
}

#[test]
fn connect_packets_owned() {
    carry_out(Target::owned("/socket.io/"), connect_rows());
}

#[test]
fn connect_packets_mounted() {
    carry_out(Target::mounted("/socket.io/"), connect_rows());
}

#[test]
fn event_packets_owned() {
    carry_out(Target::owned("/socket.io/"), event_rows());
}

#[test]
fn event_packets_mounted() {
    carry_out(Target::mounted("/socket.io/"), event_rows());
}

#[test]
fn binary_packets_owned() {
    carry_out(Target::owned("/socket.io/"), binary_rows());
}

#[test]
fn binary_packets_mounted() {
    carry_out(Target::mounted("/socket.io/"), binary_rows());
}
