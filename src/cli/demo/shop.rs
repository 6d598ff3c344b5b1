//! A small shop in a SQLite file: customers, products and the orders of the last 24 months and of this one
//! until today; of one day the same on every machine.

use std::path::Path;

use jiff::{ToSpan as _, civil::Date};
use rusqlite::{Connection, params};

/// The seed of everything.
const SEED: u64 = 0x6A65_7468_7562;
const CUSTOMERS: i64 = 120;
/// Whole months behind us that have orders.
const MONTHS: i64 = 24;
/// Name, category, price in cents.
const PRODUCTS: &[(&str, &str, i64)] = &[
    ("Assam", "Tea", 690),
    ("Darjeeling", "Tea", 940),
    ("Sencha", "Tea", 1180),
    ("Rooibos", "Tea", 540),
    ("Santos", "Coffee", 1290),
    ("Sidamo", "Coffee", 1490),
    ("Decaf", "Coffee", 1350),
    ("Teapot", "Crockery", 3900),
    ("Mug", "Crockery", 1150),
    ("Filter", "Crockery", 450),
    ("Almond biscuits", "Sweets", 620),
    ("Dark chocolate", "Sweets", 380),
];
const NAMES: &[&str] =
    &["Ada", "Ben", "Chloe", "Deniz", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena"];
const COUNTRIES: &[&str] = &["AT", "CH", "DE", "FR", "NL", "TR"];
/// How much more is bought in each month of a year than in the quietest one.
const SEASON: [i64; 12] = [20, 10, 12, 8, 4, 0, 2, 6, 14, 24, 48, 70];

const TABLES: &str = "
    CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL);
    CREATE TABLE products (product_id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, cents INTEGER NOT NULL);
    CREATE TABLE orders (
        order_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, \
        product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL, \
        cents INTEGER NOT NULL, ordered_at TEXT NOT NULL
    );
    CREATE INDEX orders_by_time ON orders (ordered_at);";

/// SplitMix64: a few lines, and good enough for a shop.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0, below `most`.
    fn below(&mut self, most: i64) -> i64 {
        let most = u64::try_from(most).unwrap_or(1).max(1);
        i64::try_from(self.next() % most).unwrap_or_default()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let index = self.next() % (all.len() as u64).max(1);
        all.get(usize::try_from(index).unwrap_or_default())
    }
}

/// Names of all products.
pub(super) fn products() -> impl Iterator<Item = &'static str> {
    PRODUCTS.iter().map(|(name, ..)| *name)
}

/// The first day of a month, so many months before the one of `today`.
pub(super) fn month_before(today: Date, months: i64) -> Date {
    today.first_of_month().saturating_sub(months.months())
}

/// Makes the file; how many orders are in it.
pub(super) fn make(path: &Path, today: Date) -> rusqlite::Result<i64> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let mut dice = Dice(SEED);
    for id in 1..=CUSTOMERS {
        let name = format!("{} {id}", dice.of(NAMES).copied().unwrap_or_default());
        let country = dice.of(COUNTRIES).copied().unwrap_or_default();
        transaction.execute("INSERT INTO customers VALUES (?1, ?2, ?3)", params![id, name, country])?;
    }
    for (id, (name, category, cents)) in (1_i64..).zip(PRODUCTS) {
        transaction
            .execute("INSERT INTO products VALUES (?1, ?2, ?3, ?4)", params![id, name, category, cents])?;
    }
    let mut orders = 0;
    {
        let mut insert = transaction.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for month in 0..=MONTHS {
            let first = month_before(today, MONTHS - month);
            let season = usize::try_from(first.month() - 1).ok().and_then(|month| SEASON.get(month)).copied();
            // The shop grows.
            for _ in 0..90 + 3 * month + season.unwrap_or_default() {
                let product = dice.below(i64::try_from(PRODUCTS.len()).unwrap_or(1));
                let (_, _, cents) =
                    PRODUCTS.get(usize::try_from(product).unwrap_or_default()).unwrap_or(&("", "", 0));
                let quantity = 1 + dice.below(4).min(dice.below(4));
                let (day, hour, minute) = (dice.below(28), 7 + dice.below(14), dice.below(60));
                let customer = 1 + dice.below(CUSTOMERS);
                let day = first.saturating_add(day.days());
                if day >= today {
                    continue;
                }
                orders += 1;
                let at = format!("{day}T{hour:02}:{minute:02}:00Z");
                let total = cents * quantity;
                insert.execute(params![orders, customer, product + 1, quantity, total, at])?;
            }
        }
    }
    transaction.commit()?;
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_shop_all_day() {
        let dir = tempfile::tempdir().unwrap();
        let read = |name: &str, today: Date| {
            let path = dir.path().join(name);
            let orders = make(&path, today).unwrap();
            let query = "SELECT sum(cents * order_id % 1000003), count(DISTINCT substr(ordered_at, 1, 7)), \
                min(ordered_at), max(ordered_at) FROM orders";
            let row = Connection::open(&path).unwrap().query_row(query, [], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                ))
            });
            (orders, row.unwrap())
        };
        for (today, months, first) in [
            (Date::constant(2026, 11, 25), 25, "2024-11-01"),
            (Date::constant(2024, 3, 1), 24, "2022-03-01"),
            (Date::constant(2025, 1, 31), 25, "2023-01-01"),
        ] {
            let made = read(&format!("{today}-a.db"), today);
            assert_eq!(made, read(&format!("{today}-b.db"), today));
            let (orders, (_, seen, least, most)) = made;
            assert!(orders > 3000, "{today}: {orders}");
            assert_eq!(seen, months, "{today}");
            assert!(least.starts_with(first) && most < today.to_string(), "{today}: {least} to {most}");
        }
    }
}
