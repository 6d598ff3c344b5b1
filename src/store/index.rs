//! Full text in memory: what is found by its words, with ranks. It is the same whatever database the store is
//! on, because it is SQLite's FTS5 in a database that is nowhere but in this process.
//!
//! A shelf holds the texts of one tenant in a table of its own: what another tenant has changes neither its
//! ranks nor how long they take. Blocking; for a thread of its caller's own.

use std::fmt::Write as _;

use diesel::{
    Connection as _, SqliteConnection,
    connection::SimpleConnection,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Double, Text},
};

use super::Error;

/// The texts of an entry; what a word is worth in each is in [`WEIGHTS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Its name.
    pub title: String,
    /// What it is for.
    pub about: String,
    /// What it is asked with.
    pub inputs: String,
    /// What it answers.
    pub columns: String,
    /// Where it is asked.
    pub source: String,
}

/// Of `title`, `about`, `inputs`, `columns`, `source`.
const WEIGHTS: &str = "8.0, 3.0, 2.0, 2.0, 1.0";

/// The index.
pub struct WordIndex {
    connection: SqliteConnection,
}

impl std::fmt::Debug for WordIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordIndex").finish_non_exhaustive()
    }
}

impl WordIndex {
    /// An empty one.
    pub fn new() -> Result<Self, Error> {
        let mut connection = SqliteConnection::establish(":memory:").map_err(Error::unavailable)?;
        connection.batch_execute("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
        Ok(Self { connection })
    }

    /// Makes an empty shelf.
    pub fn make(&mut self, shelf: u32) -> Result<(), Error> {
        // The texts are their owner's; here are their words alone.
        let text = format!(
            "CREATE VIRTUAL TABLE shelf_{shelf} USING fts5(title, about, inputs, columns, source, content='', \
             contentless_delete=1, tokenize='porter unicode61 remove_diacritics 2')"
        );
        Ok(self.connection.batch_execute(&text)?)
    }

    /// Removes a shelf.
    pub fn remove(&mut self, shelf: u32) -> Result<(), Error> {
        Ok(self.connection.batch_execute(&format!("DROP TABLE IF EXISTS shelf_{shelf}"))?)
    }

    /// Takes entries out and puts others in, all or none.
    pub fn change<'a>(
        &mut self,
        shelf: u32,
        out: &[i64],
        put: impl Iterator<Item = (i64, &'a Words)>,
    ) -> Result<(), Error> {
        let remove = format!("DELETE FROM shelf_{shelf} WHERE rowid = ?");
        let insert = format!(
            "INSERT INTO shelf_{shelf} (rowid, title, about, inputs, columns, source) VALUES (?, ?, ?, ?, ?, ?)"
        );
        self.connection.transaction(|connection| {
            for entry in out {
                sql_query(&remove).bind::<BigInt, _>(*entry).execute(connection)?;
            }
            for (entry, words) in put {
                sql_query(&insert)
                    .bind::<BigInt, _>(entry)
                    .bind::<Text, _>(&words.title)
                    .bind::<Text, _>(&words.about)
                    .bind::<Text, _>(&words.inputs)
                    .bind::<Text, _>(&words.columns)
                    .bind::<Text, _>(&words.source)
                    .execute(connection)?;
            }
            Ok(())
        })
    }

    /// Entries that have at least one of the words, each with its score; more is better. In no order.
    pub fn search(&mut self, shelf: u32, words: &[String]) -> Result<Vec<(i64, f64)>, Error> {
        let mut any = String::new();
        for word in words {
            let _ = write!(
                any,
                "{}\"{}\"",
                if any.is_empty() { "" } else { " OR " },
                word.replace(['"', '\0'], " ")
            );
        }
        if any.is_empty() {
            return Ok(Vec::new());
        }
        // Read by place, not by name: a common word is in thousands of entries.
        let text =
            format!("rowid, -bm25(shelf_{shelf}, {WEIGHTS}) FROM shelf_{shelf} WHERE shelf_{shelf} MATCH ");
        Ok(diesel::select(sql::<(BigInt, Double)>(&text).bind::<Text, _>(any)).load(&mut self.connection)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(title: &str, about: &str) -> Words {
        Words { title: title.to_owned(), about: about.to_owned(), ..Words::default() }
    }

    fn found(index: &mut WordIndex, shelf: u32, text: &[&str]) -> Vec<i64> {
        let text: Vec<String> = text.iter().map(|word| (*word).to_owned()).collect();
        let mut found = index.search(shelf, &text).unwrap();
        found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        found.into_iter().map(|(entry, _)| entry).collect()
    }

    #[test]
    fn a_shelf_finds_its_own_by_word_stem_and_column() {
        let mut index = WordIndex::new().unwrap();
        index.make(1).unwrap();
        index.make(2).unwrap();
        let texts = [words("Monthly sales", ""), words("Stock", "what was sold, a sale"), words("Café", "")];
        index.change(1, &[], (10..).zip(&texts)).unwrap();
        index.change(2, &[], [(10, &words("Sales", ""))].into_iter()).unwrap();
        assert_eq!(found(&mut index, 1, &["sale"]), [10, 11], "the title is worth more");
        assert_eq!(found(&mut index, 1, &["cafe"]), [12]);
        assert_eq!(found(&mut index, 1, &["monthly", "nothing"]), [10]);
        assert!(found(&mut index, 1, &[]).is_empty());
        assert!(found(&mut index, 1, &["title"]).is_empty(), "the name of a column is no word");
        index.change(1, &[10], [(13, &words("Sales", ""))].into_iter()).unwrap();
        assert_eq!(found(&mut index, 1, &["sales"]), [13, 11]);
        index.remove(1).unwrap();
        assert_eq!(found(&mut index, 2, &["sales"]), [10]);
        assert!(index.search(1, &["sales".to_owned()]).is_err());
    }

    #[test]
    fn what_is_searched_is_never_syntax() {
        let mut index = WordIndex::new().unwrap();
        index.make(1).unwrap();
        index.change(1, &[], [(1, &words("a AND b", "NEAR"))].into_iter()).unwrap();
        for text in ["\"", "\" OR \"a", "NEAR(", "title:a", "a*", "^a", "-", "(", "\0", "{}", "🙂", "NOT"] {
            let found = index.search(1, &[text.to_owned()]);
            assert!(found.is_ok(), "{text:?}: {found:?}");
        }
    }
}
