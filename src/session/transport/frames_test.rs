use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { max_payload: 1000, max_fragments: 5 };

fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// What comes of bytes that arrive in these pieces: a line an item.
fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Violation> {
    let mut reader = Reader::default();
    let mut seen = Vec::new();
    for piece in pieces {
        reader.feed(&mut piece.to_vec(), &RULES, &mut |item| {
            seen.push(format!("{item:?}"));
            Ok(())
        })?;
    }
    Ok(seen)
}

fn code(bytes: &[u8]) -> Option<u16> {
    read(&[bytes]).err().map(|violation| violation.code)
}

#[test]
fn broken_rules_have_codes() {
    let zero = [0; 4];
    for (bytes, expected) in [
        (vec![0x81, 0x02, 0x34, 0x32], 1002),
        (vec![0xc1, 0x80], 1002),
        (vec![0x83], 1002),
        (vec![0x0a, 0xff, 0xff], 1002),
        (vec![0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0], 1002),
        (vec![0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0], 1009),
        (frame(0x89, &[b'p'; 126], zero), 1002),
        (frame(0x09, b"p", zero), 1002),
        (frame(0x88, &[3], zero), 1002),
        (frame(0x88, &1005u16.to_be_bytes(), zero), 1002),
        (frame(0x88, &999u16.to_be_bytes(), zero), 1002),
        (frame(0x88, &[3, 0xe8, 0xff], zero), 1007),
        (frame(0x81, b"\xff", zero), 1007),
        (frame(0x80, b"x", zero), 1002),
        ([frame(0x01, b"a", zero), frame(0x81, b"b", zero)].concat(), 1002),
        ([frame(0x01, &[b'a'; 600], zero), frame(0x80, &[b'b'; 600], zero)].concat(), 1009),
        ((0..6).flat_map(|n| frame(u8::from(n == 0), b"", zero)).collect(), 1008),
    ] {
        assert_eq!(code(&bytes), Some(expected), "{bytes:x?}");
    }
}

#[test]
fn the_length_is_judged_before_the_payload_is_kept() {
    let mut reader = Reader::default();
    let mut head = frame(0x01, &[b'a'; 600], [0; 4]);
    let mut none = |_: Item<'_>| Ok(());
    reader.feed(&mut head, &RULES, &mut none).unwrap();
    let mut next = frame(0x80, &[b'b'; 600], [0; 4]);
    next.truncate(8);
    assert_eq!(reader.feed(&mut next, &RULES, &mut none), Err(TOO_LARGE));
}

#[test]
fn nothing_after_a_close_counts() {
    let bytes = [frame(0x88, &[], [0; 4]), frame(0x81, b"x", [0; 4]), vec![0xff]].concat();
    assert_eq!(read(&[&bytes]).unwrap(), ["Close"]);
}

proptest! {
    #[test]
    fn no_bytes_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let _ = read(&pieces);
        let mut scanner = Scanner::default();
        let _ = pieces.iter().try_for_each(|piece| scanner.scan(piece, &RULES));
    }

    /// However the bytes are cut: the same messages; and the scanner agrees with the reader.
    #[test]
    fn cuts_do_not_matter(
        messages in prop::collection::vec((prop::collection::vec(0u8..128, 0..300), any::<[u8; 4]>(), any::<bool>(), 1usize..4), 1..5),
        cut in 1usize..50,
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (payload, mask, binary, parts) in &messages {
            let parts: Vec<&[u8]> = payload.chunks(payload.len().div_ceil(*parts).max(1)).collect();
            let last = parts.len().saturating_sub(1);
            let opcode = if *binary { 2 } else { 1 };
            if parts.is_empty() {
                bytes.extend(frame(0x80 | opcode, b"", *mask));
            }
            for (at, part) in parts.iter().enumerate() {
                let first = if at == 0 { opcode } else { 0 };
                bytes.extend(frame(if at == last { 0x80 | first } else { first }, part, *mask));
                if at < last {
                    bytes.extend(frame(0x8a, b"", *mask));
                    expected.push("Pong".to_owned());
                }
            }
            expected.push(if *binary {
                format!("{:?}", Item::Binary(payload))
            } else {
                format!("{:?}", Item::Text(std::str::from_utf8(payload).unwrap()))
            });
        }
        let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
        prop_assert_eq!(read(&pieces).unwrap(), expected);
        let mut scanner = Scanner::default();
        prop_assert_eq!(pieces.iter().try_for_each(|piece| scanner.scan(piece, &RULES)), Ok(()));
        prop_assert_eq!(scanner.skip, 0);
    }
}
