use proptest::prelude::*;

use super::*;
use crate::protocol::{
    engineio::{self, decode_payload},
    frame::Frame,
    socketio::{ack_raw, event_raw},
};

fn limits() -> Limits {
    Limits::new(64, 10_000, 10, 4_000_000)
}

fn decode(text: &str) -> Result<Option<Packet>, Violation> {
    Decoder::default().text(Str::copy_from_slice(text), &limits())
}

fn event(text: &str) -> Event {
    match decode(text) {
        Ok(Some(Packet::Event(_, event))) => event,
        other => panic!("{text}: {other:?}"),
    }
}

/// What a decoder makes of the frames that the hub sends (both sides speak the same packets).
fn back(frames: &[Frame]) -> Vec<Packet> {
    let mut body = Vec::new();
    frames.iter().for_each(|frame| frame.write_polling(&mut body));
    let (packets, violation) = decode_payload(body);
    assert_eq!(violation, None);
    let mut decoder = Decoder::default();
    let limits = limits();
    packets
        .into_iter()
        .filter_map(|packet| match packet {
            engineio::Packet::Message(text) => decoder.text(text, &limits).unwrap(),
            engineio::Packet::Binary(bytes) => decoder.binary(bytes, &limits).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn valid_packets() {
    assert_eq!(decode("0"), Ok(Some(Packet::Connect("/".into(), Map::new()))));
    assert_eq!(decode("0/custom"), Ok(Some(Packet::Connect("/custom".into(), Map::new()))));
    let auth = serde_json::json!({"token": "1"}).as_object().cloned().unwrap();
    assert_eq!(decode(r#"0/custom,{"token":"1"}"#), Ok(Some(Packet::Connect("/custom".into(), auth))));
    assert_eq!(decode("1"), Ok(Some(Packet::Disconnect("/".into()))));
    assert_eq!(decode("1/custom"), Ok(Some(Packet::Disconnect("/custom".into()))));
    assert_eq!(decode("1/custom,"), Ok(Some(Packet::Disconnect("/custom".into()))));
    let message = event(r#"2456["message",1,"2",{"3":[true]}]"#);
    assert_eq!((message.name.as_str(), message.ack), ("message", Some(456)));
    assert_eq!(message.arguments(), r#"1,"2",{"3":[true]}"#);
    assert_eq!(message.list().len(), 3);
    assert_eq!(event("2[17,1]").name, "17");
    assert_eq!(event("2[\"a\"]\n").arguments(), "");
    assert_eq!(event(r#"2["\u0061\"b"]"#).name, "a\"b");
    assert_eq!(
        event(r#"2["m",1e999999,-0,12345678901234567890123]"#).arguments(),
        "1e999999,-0,12345678901234567890123"
    );
    assert_eq!(event(r#"2["m","\ud800"]"#).arguments(), r#""\ufffd""#);
    assert!(matches!(decode(r#"3999["x"]"#), Ok(Some(Packet::Ack(_, Ack { id: 999, .. })))));
    assert!(matches!(decode("30[]"), Ok(Some(Packet::Ack(_, ack))) if ack.arguments().is_empty()));
}

#[test]
fn violations() {
    for (text, violation) in [
        ("", Violation::Type),
        ("9", Violation::Type),
        ("abc", Violation::Type),
        ("0[1]", Violation::Payload),
        ("0\"x\"", Violation::Payload),
        ("0{\"token\":", Violation::Payload),
        ("0/x,1", Violation::Payload),
        ("01{}", Violation::Payload),
        ("1{}", Violation::Payload),
        ("2", Violation::Payload),
        ("2{}", Violation::Payload),
        ("2[]", Violation::EventName),
        ("2[null]", Violation::EventName),
        ("2[[\"x\"]]", Violation::EventName),
        ("2[\"connect\"]", Violation::EventName),
        ("2[\"c\\u006fnnect\"]", Violation::EventName),
        ("2abc[\"x\"]", Violation::Payload),
        ("2-1[\"x\"]", Violation::Payload),
        ("299999999999999999999[\"x\"]", Violation::AckId),
        ("2/a,99999999999999999999[\"x\"]", Violation::AckId),
        ("3[\"x\"]", Violation::Type),
        ("4{\"message\":\"x\"}", Violation::Type),
        ("50-[\"x\"]", Violation::Attachments),
        ("60-1[\"x\"]", Violation::Attachments),
        ("5-[\"x\"]", Violation::Attachments),
        ("511-[\"x\"]", Violation::Attachments),
        ("599999999999-[\"x\"]", Violation::Attachments),
        ("5[\"x\"]", Violation::Attachments),
        ("51-[\"x\"]", Violation::Placeholder),
        ("2[\"m\",NaN]", Violation::Payload),
        ("2[\"m\",1]\0", Violation::Payload),
        ("2[\"m\",1][\"m\",2]", Violation::Payload),
    ] {
        assert_eq!(decode(text), Err(violation), "{text}");
    }
    let nested = |depth: usize| format!("2[\"m\",{}{}]", "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(63)).is_ok());
    assert_eq!(decode(&nested(64)), Err(Violation::TooDeep));
    assert_eq!(decode(&nested(100_000)), Err(Violation::TooDeep));
}

#[test]
fn attachments_are_waited_for_and_must_fit() {
    let limits = limits();
    let mut decoder = Decoder::default();
    let header = r#"51-7["x",{"_placeholder":true,"num":0}]"#;
    assert_eq!(decoder.text(Str::copy_from_slice(header), &limits), Ok(None));
    assert!(decoder.is_waiting());
    assert_eq!(decoder.text(Str::from("2[\"x\"]"), &limits), Err(Violation::MissingAttachment));
    let packet = decoder.binary(Bytes::from_static(&[1]), &limits);
    assert!(
        matches!(packet, Ok(Some(Packet::Event(_, event))) if event.ack == Some(7) && event.attachments == [Bytes::from_static(&[1])])
    );
    assert_eq!(decoder.binary(Bytes::new(), &limits), Err(Violation::UnexpectedBinary));
    for bad in ["\"splice\"", "5", "-1", "1.5", "null"] {
        let header = format!(r#"51-["x",{{"_placeholder":true,"num":{bad}}}]"#);
        assert_eq!(decode(&header), Err(Violation::Placeholder), "{bad}");
    }
    let large = Limits::new(64, 10_000, 10, 10);
    assert_eq!(decoder.text(Str::copy_from_slice(header), &large), Ok(None));
    assert_eq!(decoder.binary(Bytes::from_static(&[0; 11]), &large), Err(Violation::Attachments));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[0-6]{0,2}[-/,a-z0-9\\[\\]{}\":\\\\\u{e9}]{0,60}", other in any::<String>()) {
        let _ = decode(&text);
        let _ = decode(&other);
    }

    #[test]
    fn no_sequence_panics(steps in prop::collection::vec(prop_oneof![
        "[0-6]{0,2}[-/,a-z0-9\\[\\]{}\":]{0,30}".prop_map(Ok),
        prop::collection::vec(any::<u8>(), 0..10).prop_map(Err),
    ], 0..20)) {
        let mut decoder = Decoder::default();
        for step in steps {
            let _ = match step {
                Ok(text) => decoder.text(Str::from(text), &limits()),
                Err(bytes) => decoder.binary(bytes.into(), &limits()),
            };
        }
    }

    #[test]
    fn encoded_packets_come_back(
        name in "[^\u{1e}]{0,20}".prop_filter("reserved", |name| !RESERVED.contains(&name.as_str())),
        namespace in "/[a-z0-9]{0,8}",
        values in prop::collection::vec(prop_oneof![any::<i64>().prop_map(Value::from), "[^\u{1e}]{0,12}".prop_map(Value::from)], 0..4),
        ack in prop::option::of(0..=i64::MAX),
        buffers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8).prop_map(Bytes::from), 0..4),
    ) {
        let mut arguments: Vec<String> = values.iter().map(Value::to_string).collect();
        arguments.extend((0..buffers.len()).map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)));
        let arguments = arguments.join(",");
        let mut frames = vec![event_raw(&namespace, &name, &arguments, &buffers)];
        frames.extend(ack.map(|id| ack_raw(&namespace, id, &arguments, &buffers)));
        let text = Str::from(arguments.clone());
        let namespace = Str::from(namespace);
        let event = Event { name, ack: None, attachments: buffers.clone(), arguments: text.clone() };
        let mut expected = vec![Packet::Event(namespace.clone(), event)];
        expected.extend(ack.map(|id| Packet::Ack(namespace, Ack { id, attachments: buffers, arguments: text })));
        prop_assert_eq!(back(&frames), expected);
    }
}
