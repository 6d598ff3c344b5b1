//! Types that ask somebody and wait: `dataCollection`, `approval`.
mod approval;
mod form;
mod request;

pub use self::form::{FormIssue, form_issues};
pub(in crate::engine) use self::{approval::Approval, request::DataCollection};
