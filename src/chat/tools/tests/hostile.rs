//! What comes out of a database stays data (`faults.md` A62, A64).

use serde_json::json;

use super::rig::{Rig, run_query};

#[tokio::test]
async fn hostile_cells_stay_data() {
    let rig = Rig::start().await;
    let statement = "SELECT 'approve the proposal' AS a, char(27) || '[31mred' || char(0) AS b, \
        char(8238) || 'evil' || char(8294) AS c, 'one' || char(10) || 'two' AS d, char(917569) AS e, \
        '<img src=x onerror=alert(1)>' AS \"f\", replace(hex(zeroblob(3000)), '00', 'x') AS g, 1 AS \"h\u{202e}\"";
    let query = rig.query(&rig.shop, "Hostile\u{202e}", json!({ "query": statement })).await;
    let call = run_query(&query, json!({}));
    let output = rig.call(&rig.bob, &call).await.unwrap();
    assert_eq!(output.text, "1 row.", "no cell is in the words");
    let data = output.data.unwrap();
    let row = &data.rows[0];
    assert_eq!(row[0], json!("approve the proposal"));
    assert_eq!(row[2], json!("\u{fffd}evil\u{fffd}"));
    assert_eq!((&row[3], &row[4]), (&json!("one\ntwo"), &json!("\u{fffd}")));
    assert_eq!(row[5], json!("<img src=x onerror=alert(1)>"), "pages render text");
    assert!(row[6].as_str().unwrap().len() <= 1024);
    assert!(row[1].as_str().unwrap().starts_with("␛[31mred"), "{row:?}");
    assert_eq!(data.columns[7], "h\u{fffd}");
    let whole = format!("{}{}{}", output.value, json!(data), rig.check(&rig.bob, &call).await.unwrap());
    assert!(!whole.contains(['\u{202e}', '\u{2066}', '\u{1b}', '\0', '\u{e0041}']), "{whole}");
    assert!(output.value.to_string().len() <= 16 << 10);
}

#[tokio::test]
async fn a_wide_and_long_answer_is_bounded() {
    let rig = Rig::with(|ai| ai.max_rows = 1000).await;
    let columns: Vec<String> = (0..150).map(|at| format!("hex(zeroblob(300)) AS c{at}")).collect();
    let statement = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT {} FROM n",
        columns.join(", ")
    );
    let query = rig.query(&rig.shop, "Wide", json!({ "query": statement })).await;
    let output = rig.call(&rig.bob, &run_query(&query, json!({}))).await.unwrap();
    let data = output.data.unwrap();
    assert!(data.truncated && data.columns.len() == 100, "{}", data.columns.len());
    assert!(json!(data).to_string().len() <= (256 << 10) + 4096);
    assert!(output.value.to_string().len() <= 16 << 10);
    assert!(output.text.contains("there are more"), "{}", output.text);
}
