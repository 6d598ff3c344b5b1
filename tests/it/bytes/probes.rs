//! B33: a probe websocket that does not keep to the dance. The polling session lives, only the new
//! websocket closes.

use crate::harness::{Bystander, Target, Ws, cases};

cases!("/socket.io/", b33_probes_that_fail, a_probe_that_says_nothing);

fn b33_probes_that_fail(t: &Target) {
    let beside = Bystander::start(t);
    let bad: [&[&str]; 4] = [&["2probe", "2probe"], &["5"], &["4x"], &["2probe", "4x"]];
    for packets in bad {
        let mut p = t.joined_polling();
        let mut ws = Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={}", p.sid)));
        for packet in packets {
            ws.send(packet);
        }
        ws.closed();
        p.post_ok(r#"42["message","alive"]"#);
        let seen = std::iter::repeat_with(|| p.next()).find(|packet| packet != "6");
        assert_eq!(seen.as_deref(), Some(r#"42["message-back","alive"]"#), "{packets:?}");
    }
    beside.check();
}

fn a_probe_that_says_nothing(t: &Target) {
    let mut p = t.joined_polling();
    let _silent = Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={}", p.sid)));
    for i in 0..5 {
        p.post_ok(format!("42[\"message\",{i}]"));
        assert_eq!(p.next(), format!("42[\"message-back\",{i}]"));
    }
}
