//! `condition`: the first branch that holds is taken.
//!
//! Comparisons are decided here; expressions are JavaScript and need a task. A node with both is
//! decided here as far as that goes: only a branch that truly hangs on an expression makes a task.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::operator::holds;
use crate::engine::{
    Fields,
    definition::{Config, Faults},
    value::{Lookup, resolve, truthy},
};

/// `condition`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Condition {
    branches: Vec<Branch>,
    default: Arc<str>,
    /// All JavaScript in it, in order of appearance.
    pub(super) expressions: Vec<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Branch {
    id: Arc<str>,
    label: Value,
    /// One of its tests is enough.
    any: bool,
    tests: Vec<Test>,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare {
        left: Operand,
        operator: String,
        right: Value,
    },
    /// Truth of the expression of that number.
    Holds(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    /// A value with templates.
    Value(Value),
    /// What the expression of that number gives.
    Expression(usize),
}

impl Condition {
    pub(super) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let mut condition = Self {
            branches: Vec::new(),
            default: Arc::from(
                config.text("defaultBranch").filter(|name| !name.is_empty()).unwrap_or("default"),
            ),
            expressions: Vec::new(),
        };
        if config.value("branches").is_none() {
            config.fault("branches", "is missing", faults);
        }
        for (index, branch) in config.list("branches", faults).iter().enumerate() {
            let at = format!("branches[{index}]");
            let Some(branch) = branch.as_object() else {
                config.fault(&at, "must be an object", faults);
                continue;
            };
            // The reference skips a branch without an id, too.
            let Some(id) = branch.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
                continue;
            };
            let tests = condition.tests(config, branch, &at, faults);
            let label = branch.get("label").or_else(|| branch.get("name")).cloned().unwrap_or(Value::Null);
            let any = branch
                .get("conditionLogic")
                .and_then(Value::as_str)
                .is_some_and(|logic| logic.eq_ignore_ascii_case("or"));
            condition.branches.push(Branch { id: Arc::from(id), label, any, tests });
        }
        condition
    }

    /// For a type that reads its branches in its own way.
    pub(super) fn without_branches(default: &str) -> Self {
        Self { branches: Vec::new(), default: Arc::from(default), expressions: Vec::new() }
    }

    /// A branch that holds when the comparison does.
    pub(super) fn add_comparison(
        &mut self,
        id: &str,
        label: &str,
        left: Value,
        operator: &str,
        right: Value,
    ) {
        let test = Test::Compare { left: Operand::Value(left), operator: operator.to_owned(), right };
        self.add(id, label, test);
    }

    /// A branch that holds when the expression is true.
    pub(super) fn add_truth(&mut self, id: &str, label: &str, code: &str) {
        let test = Test::Holds(self.truth(code));
        self.add(id, label, test);
    }

    fn add(&mut self, id: &str, label: &str, test: Test) {
        let (id, label) = (Arc::from(id), Value::from(label));
        self.branches.push(Branch { id, label, any: false, tests: vec![test] });
    }

    fn tests(
        &mut self,
        config: &Config<'_>,
        branch: &Map<String, Value>,
        at: &str,
        faults: &mut Faults,
    ) -> Vec<Test> {
        // A legacy branch is a single test itself.
        let Some(list) = branch.get("conditions") else {
            return self.test(config, branch, at, faults).into_iter().collect();
        };
        let Some(list) = list.as_array() else {
            config.fault(&format!("{at}.conditions"), "must be a list", faults);
            return Vec::new();
        };
        let mut tests = Vec::new();
        for (index, test) in list.iter().enumerate() {
            let at = format!("{at}.conditions[{index}]");
            match test.as_object() {
                Some(test) => tests.extend(self.test(config, test, &at, faults)),
                None => config.fault(&at, "must be an object", faults),
            }
        }
        tests
    }

    fn test(
        &mut self,
        config: &Config<'_>,
        test: &Map<String, Value>,
        at: &str,
        faults: &mut Faults,
    ) -> Option<Test> {
        let text_of = |name: &str| test.get(name).and_then(Value::as_str);
        let operand = |name: &str, faults: &mut Faults| {
            let value = test.get(name).cloned().unwrap_or(Value::Null);
            config.templates(&value, &format!("{at}.{name}"), faults);
            value
        };
        if let Some(operator) = text_of("operator") {
            if operator == "expression" {
                let code = text_of("leftValue").unwrap_or_default();
                return Some(Test::Holds(self.truth(code)));
            }
            let left = Operand::Value(operand("leftValue", faults));
            return Some(Test::Compare {
                left,
                operator: operator.to_owned(),
                right: operand("rightValue", faults),
            });
        }
        if let Some(left) = test.get("leftOperand") {
            let left = match left {
                Value::String(code) if !code.contains("{{") => {
                    Operand::Expression(self.expression(bare(code)))
                }
                _ => Operand::Value(operand("leftOperand", faults)),
            };
            let operator = text_of("conditionType").unwrap_or("equals").to_owned();
            return Some(Test::Compare { left, operator, right: operand("rightOperand", faults) });
        }
        let code = text_of("condition").or_else(|| text_of("expression"))?;
        Some(Test::Holds(self.truth(code)))
    }

    fn expression(&mut self, code: &str) -> usize {
        self.expressions.push(Arc::from(code));
        self.expressions.len() - 1
    }

    /// Truth is told apart by JavaScript itself: JSON has no NaN. The line break ends a comment.
    fn truth(&mut self, code: &str) -> usize {
        let code = bare(code);
        self.expression(&format!("!!({code}\n)"))
    }

    /// The branch taken; `None` = it hangs on expressions, which `values` does not hold.
    pub(super) fn decide(
        &self,
        ctx: &dyn Lookup,
        values: Option<&[Option<Value>]>,
    ) -> Option<(Fields, Arc<str>)> {
        for branch in &self.branches {
            if branch.holds(ctx, values)? {
                let output = Fields::new()
                    .with("matched", branch.id.as_ref())
                    .with("label", branch.label.clone())
                    .with("success", true);
                return Some((output, branch.id.clone()));
            }
        }
        let output = Fields::new().with("matched", self.default.as_ref()).with("label", "else");
        Some((output, self.default.clone()))
    }
}

/// An expression as people write it may end like a statement.
fn bare(code: &str) -> &str {
    code.trim().trim_end_matches(';')
}

impl Branch {
    /// Three-valued: an unknown test matters only if the known ones do not decide. A branch
    /// without tests never holds.
    fn holds(&self, ctx: &dyn Lookup, values: Option<&[Option<Value>]>) -> Option<bool> {
        let mut unknown = false;
        for test in &self.tests {
            match test.holds(ctx, values) {
                Some(holds) if holds == self.any => return Some(holds),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(!self.any && !self.tests.is_empty()) }
    }
}

impl Test {
    fn holds(&self, ctx: &dyn Lookup, values: Option<&[Option<Value>]>) -> Option<bool> {
        // What threw makes its test false, whatever the operator.
        let value = |index: &usize| values.map(|values| values.get(*index).and_then(Option::as_ref));
        match self {
            Self::Holds(index) => value(index).map(|value| value.is_some_and(truthy)),
            Self::Compare { left, operator, right } => {
                let left = match left {
                    Operand::Value(left) => resolve(left, ctx).unwrap_or_default(),
                    Operand::Expression(index) => match value(index)? {
                        Some(left) => left.clone(),
                        None => return Some(false),
                    },
                };
                let right = resolve(right, ctx).unwrap_or_default();
                Some(holds(operator, &left, &right))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(data: &Value) -> (Condition, usize) {
        let mut faults = Faults::default();
        let data = data.as_object().unwrap();
        let condition = Condition::parse(&Config::new("n", None, data), &mut faults);
        (condition, faults.into_problems().len())
    }

    fn taken(data: &Value, ctx: &Fields, values: Option<&[Option<Value>]>) -> Option<String> {
        parse(data).0.decide(ctx, values).map(|(_, handle)| handle.to_string())
    }

    fn compare(left: Value, operator: &str, right: Value) -> Value {
        json!({"leftValue": left, "operator": operator, "rightValue": right})
    }

    #[test]
    fn the_first_branch_that_holds_is_taken() {
        let ctx = Fields::new().with("n", 5).with("s", "x");
        let data = json!({"branches": [
            {"conditions": [compare(json!(1), "equals", json!(1))]},
            {"id": "empty", "conditions": []},
            {"id": "and", "conditions": [compare(json!("{{ctx.n}}"), "greater_than", json!(1)), compare(json!("{{ctx.s}}"), "equals", json!("y"))]},
            {"id": "or", "label": "Or", "conditionLogic": "OR", "conditions": [compare(json!("{{ctx.gone}}"), "equals", json!("y")), compare(json!("{{ctx.s}}"), "equals", json!("x"))]},
            {"id": "late", "conditions": [compare(json!(1), "equals", json!(1))]},
        ]});
        let (condition, faults) = parse(&data);
        assert_eq!(faults, 0);
        let (output, handle) = condition.decide(&ctx, None).unwrap();
        assert_eq!(handle.as_ref(), "or");
        assert_eq!(output.to_value(), json!({"matched": "or", "label": "Or", "success": true}));
        let none = json!({"branches": [], "defaultBranch": "other"});
        assert_eq!(taken(&none, &ctx, None).unwrap(), "other");
        let (output, _) = parse(&json!({"branches": []})).0.decide(&ctx, None).unwrap();
        assert_eq!(output.to_value(), json!({"matched": "default", "label": "else"}));
    }

    #[test]
    fn only_a_branch_that_hangs_on_code_asks_for_it() {
        let ctx = Fields::new().with("n", 5);
        let code = json!({"leftValue": "ctx.n > 1 // five", "operator": "expression"});
        let never = compare(json!(1), "equals", json!(2));
        let always = compare(json!(1), "equals", json!(1));
        let and = |tests: Value| json!({"branches": [{"id": "b", "conditions": tests}]});
        assert_eq!(taken(&and(json!([code, never])), &ctx, None).unwrap(), "default");
        assert_eq!(taken(&and(json!([code, always])), &ctx, None), None);
        let or = json!({"branches": [{"id": "b", "conditionLogic": "OR", "conditions": [code, always]}]});
        assert_eq!(taken(&or, &ctx, None).unwrap(), "b");
        let later =
            json!({"branches": [{"id": "a", "conditions": [always]}, {"id": "b", "conditions": [code]}]});
        assert_eq!(taken(&later, &ctx, None).unwrap(), "a");

        let data = and(json!([code]));
        assert_eq!(parse(&data).0.expressions[0].as_ref(), "!!(ctx.n > 1 // five\n)");
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(true))])).unwrap(), "b");
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(false))])).unwrap(), "default");
        assert_eq!(taken(&data, &ctx, Some(&[None])).unwrap(), "default");
        assert_eq!(taken(&data, &ctx, Some(&[])).unwrap(), "default");
    }

    #[test]
    fn legacy_forms() {
        let ctx = Fields::new().with("n", 5);
        let data = json!({"branches": [
            {"id": "a", "condition": "ctx.n > 9"},
            {"id": "b", "leftOperand": "ctx.n + 1", "conditionType": "not_equals", "rightOperand": "6"},
            {"id": "c", "conditions": [{"leftOperand": "{{ctx.n}}", "conditionType": "equals", "rightOperand": "5"}]},
        ]});
        let (condition, _) = parse(&data);
        assert_eq!(condition.expressions.len(), 2);
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(false)), Some(json!(6))])).unwrap(), "c");
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(false)), Some(json!(7))])).unwrap(), "b");
        assert_eq!(
            taken(&data, &ctx, Some(&[Some(json!(false)), None])).unwrap(),
            "c",
            "what throws is false"
        );
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(true)), None])).unwrap(), "a");
    }

    #[test]
    fn faults_have_their_path() {
        let data = json!({"branches": [{"id": "a", "conditions": [compare(json!("{{x}}"), "equals", json!("{{ctx.a||1}}")), 7]}, 5]});
        assert_eq!(parse(&data).1, 4);
        assert_eq!(parse(&json!({})).1, 1);
        assert_eq!(parse(&json!({"branches": 1})).1, 1);
    }
}
