//! The digest of a table, the same on both engines.

use crate::shape::Cells;
use crate::shape::Shape;
use sea_query::Value;
use sha2::{Digest as _, Sha256};

/// The rows of a table that were read so far, in the order of its key.
///
/// Each cell is a byte for its type, and what it holds: integers as 8 bytes, the highest first; booleans as one; texts (in UTF-8) and
/// bytes after their length as such an integer; NULL is its type alone.
pub(super) struct TableDigest {
    hash: Sha256,
    rows: u64,
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const BOOLEAN: u8 = 2;
const TEXT: u8 = 3;
const BYTES: u8 = 4;

impl TableDigest {
    /// Begins with the names of the table and its columns.
    pub(super) fn of(shape: &Shape) -> Self {
        use crate::schema::Column;
        let mut digest = TableDigest { hash: Sha256::new(), rows: 0 };
        digest.put(TEXT, shape.table.name().as_bytes());
        for field in shape.fields {
            digest.put(TEXT, field.name.name().as_bytes());
        }
        digest
    }

    /// Takes the next row.
    pub(super) fn add(&mut self, row: &Cells) {
        self.rows += 1;
        for cell in row {
            match cell {
                Value::BigInt(Some(number)) => {
                    self.hash.update([INTEGER]);
                    self.hash.update(number.to_be_bytes());
                }
                Value::Bool(Some(is_set)) => self.hash.update([BOOLEAN, u8::from(*is_set)]),
                Value::String(Some(text)) => self.put(TEXT, text.as_bytes()),
                Value::Bytes(Some(bytes)) => self.put(BYTES, bytes),
                // A column has one type only, and others are in none.
                _ => self.hash.update([NULL]),
            }
        }
    }

    fn put(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The number of rows, and their digest in hex.
    pub(super) fn finish(self) -> (u64, String) {
        (self.rows, base16ct::lower::encode_string(&self.hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::SHAPES;

    fn digest(rows: &[Cells]) -> String {
        let mut digest = TableDigest::of(&SHAPES[0]);
        rows.iter().for_each(|row| digest.add(row));
        assert_eq!(digest.rows(), rows.len() as u64);
        digest.finish().1
    }

    #[test]
    fn whatever_differs_has_another_digest() {
        let text = |text: &str| Value::String(Some(text.to_owned()));
        let rows: [&[Cells]; 12] = [
            &[],
            &[vec![Value::BigInt(None)]],
            &[vec![Value::BigInt(Some(0))]],
            &[vec![Value::BigInt(Some(1))]],
            &[vec![Value::Bool(Some(false))]],
            &[vec![Value::Bool(Some(true))]],
            &[vec![text("")]],
            &[vec![text("ab"), text("c")]],
            &[vec![text("a"), text("bc")]],
            &[vec![text("c"), text("ab")]],
            &[vec![Value::Bytes(Some(b"ab".to_vec())), text("c")]],
            &[vec![text("ab")], vec![text("c"), Value::String(None)]],
        ];
        let mut digests: Vec<String> = rows.into_iter().map(digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), rows.len());
    }

    #[test]
    fn what_is_said_of_it_is_enough_to_make_it_again() {
        let row = vec![Value::BigInt(Some(1)), Value::BigInt(Some(-2)), Value::BigInt(None)];
        let mut bytes = Vec::new();
        for name in ["genesis", "id", "at", "epoch"] {
            bytes.push(3);
            bytes.extend((name.len() as u64).to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.push(1);
        bytes.extend(1_i64.to_be_bytes());
        bytes.push(1);
        bytes.extend((-2_i64).to_be_bytes());
        bytes.push(0);
        let expected = base16ct::lower::encode_string(&Sha256::digest(&bytes));
        assert_eq!(digest(&[row]), expected);
    }
}
