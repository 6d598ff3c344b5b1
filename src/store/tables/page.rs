//! Lists: `page` and `pageSize` with a total (`contract.md` 6.3), and an additive cursor, which
//! stays right while rows are inserted and costs the same on every page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::to_micros;
use crate::store::Error;

/// Most rows of one page.
const MAX_PAGE_SIZE: u32 = 500;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// From 1; ignored when there is a cursor.
    pub page: u32,
    /// Rows; at most 500.
    pub page_size: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Default for ListPage {
    fn default() -> Self {
        Self { page: 1, page_size: 50, cursor: None }
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Rows of the whole list.
    pub total: i64,
    /// For the next page; none at the end.
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// The same part of the list with other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            rows: self.rows.into_iter().map(f).collect(),
            total: self.total,
            next_cursor: self.next_cursor,
        }
    }
}

impl ListPage {
    /// Rows to load: one more than shown tells whether there is a next page.
    pub(in crate::store::tables) fn limit(&self) -> i64 {
        i64::from(self.size()) + 1
    }
    pub(in crate::store::tables) fn offset(&self) -> i64 {
        if self.cursor.is_some() { 0 } else { i64::from(self.page.max(1) - 1) * i64::from(self.size()) }
    }
    fn size(&self) -> u32 {
        self.page_size.clamp(1, MAX_PAGE_SIZE)
    }
    /// The place behind which the page begins: microseconds and id of the last row shown.
    pub(in crate::store::tables) fn after(&self) -> Result<Option<(i64, String)>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::Cursor)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::Cursor)?;
        let (at, id) = text.split_once(':').ok_or(Error::Cursor)?;
        Ok(Some((at.parse().map_err(|_| Error::Cursor)?, id.to_owned())))
    }
    pub(in crate::store::tables) fn finish<T>(
        &self,
        mut rows: Vec<T>,
        total: i64,
        place: impl Fn(&T) -> (Timestamp, String),
    ) -> Listed<T> {
        let size = self.size() as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = rows.last().filter(|_| more).map(|last| {
            let (at, id) = place(last);
            URL_SAFE_NO_PAD.encode(format!("{}:{id}", to_micros(at)))
        });
        Listed { rows, total, next_cursor }
    }
}

diesel::define_sql_function! {
    /// Lower case; of ASCII letters only on SQLite.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// `text` as a pattern of LIKE (escape character `\`) that finds it anywhere.
pub(in crate::store::tables) fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_taken_back_and_nothing_else_is() {
        let page = ListPage { page_size: 1, ..ListPage::default() };
        let listed = page.finish(vec!["a", "b"], 2, |id| (Timestamp::UNIX_EPOCH, (*id).to_owned()));
        assert_eq!((listed.rows.as_slice(), listed.total), (["a"].as_slice(), 2));
        let next = ListPage { cursor: listed.next_cursor, ..page };
        assert_eq!(next.after().unwrap(), Some((0, "a".to_owned())));
        for bad in ["", "!", "AAAA"] {
            let page = ListPage { cursor: Some(bad.to_owned()), ..ListPage::default() };
            assert!(matches!(page.after(), Err(Error::Cursor)), "{bad}");
        }
    }

    #[test]
    fn a_search_text_is_no_pattern() {
        assert_eq!(contains("50%_A\\"), "%50\\%\\_a\\\\%");
    }
}
