//! Groups, by the texts that make them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StringViewArray};

use super::views::{Slots, Views};

/// What a text takes beside its bytes: in the list, in the map, and in the count of its references.
const TEXT_OVERHEAD: usize = 64;
/// What a pair takes in the list and in the map.
const PAIR_OVERHEAD: usize = 32;

/// Groups that were found, numbered as they came.
pub(super) struct Keys {
    /// The texts of each column.
    columns: Vec<Texts>,
    /// For each column but the first: what is before it, and its text.
    pairs: Vec<Pairs>,
}

impl Keys {
    pub(super) fn new(columns: usize) -> Self {
        let pairs = (1..columns).map(|_| Pairs::new()).collect();
        Self { columns: (0..columns).map(|_| Texts::new()).collect(), pairs }
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        match self.pairs.last() {
            Some(pairs) => pairs.list.len(),
            None => self.columns.last().map_or(0, |texts| texts.list.len()),
        }
    }

    /// About what they weigh.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.columns.iter().map(|texts| texts.bytes + texts.list.len() * TEXT_OVERHEAD).sum::<usize>();
        texts + self.pairs.iter().map(|pairs| pairs.list.len() * PAIR_OVERHEAD).sum::<usize>()
    }

    /// Sets `groups` to the group of each row.
    pub(super) fn number(&mut self, arrays: &[&StringViewArray], groups: &mut Vec<usize>) {
        groups.clear();
        let mut columns = self.columns.iter_mut().zip(arrays);
        if let Some((texts, array)) = columns.next() {
            groups.resize(array.len(), 0);
            texts.each(array, |row, number| groups[row] = number as usize);
        }
        for ((texts, array), pairs) in columns.zip(&mut self.pairs) {
            texts.each(array, |row, number| groups[row] = pairs.number(groups[row] as u32, number) as usize);
        }
    }

    /// The texts of all groups, column by column; the groups are forgotten.
    pub(super) fn take(&mut self) -> Vec<ArrayRef> {
        let mut numbers: Vec<u32> = (0..self.len() as u32).collect();
        let mut arrays = Vec::with_capacity(self.columns.len());
        for at in (0..self.columns.len()).rev() {
            let own = match at.checked_sub(1) {
                None => std::mem::take(&mut numbers),
                Some(before) => {
                    let pairs = std::mem::take(&mut self.pairs[before].list);
                    let own = numbers.iter().map(|number| pairs[*number as usize].1).collect();
                    for number in &mut numbers {
                        *number = pairs[*number as usize].0;
                    }
                    self.pairs[before].clear();
                    own
                }
            };
            arrays.push(self.columns[at].take(&own));
        }
        arrays.reverse();
        arrays
    }
}

/// The texts of a column.
struct Texts {
    list: Vec<Option<Arc<str>>>,
    numbers: HashMap<Arc<str>, u32>,
    null: Option<u32>,
    bytes: usize,
    views: Views,
}

impl Texts {
    fn new() -> Self {
        Self { list: Vec::new(), numbers: HashMap::new(), null: None, bytes: 0, views: Views::new() }
    }

    /// Calls `with` each row and the number of its text.
    fn each(&mut self, array: &StringViewArray, mut with: impl FnMut(usize, u32)) {
        let Self { list, numbers, null, bytes, views } = self;
        let mut add = |text: Option<Arc<str>>| {
            list.push(text);
            list.len() as u32 - 1
        };
        views.turn_to(array);
        for (row, view) in array.views().iter().enumerate() {
            let number = if array.is_null(row) {
                *null.get_or_insert_with(|| add(None))
            } else {
                views.number(*view, || {
                    let text = array.value(row);
                    if let Some(number) = numbers.get(text) {
                        return *number;
                    }
                    let text: Arc<str> = Arc::from(text);
                    *bytes += text.len();
                    let number = add(Some(Arc::clone(&text)));
                    numbers.insert(text, number);
                    number
                })
            };
            with(row, number);
        }
    }

    /// Those with these numbers; all are forgotten.
    fn take(&mut self, numbers: &[u32]) -> ArrayRef {
        let list = std::mem::take(&mut self.list);
        self.numbers.clear();
        self.null = None;
        self.views.clear();
        self.bytes = 0;
        Arc::new(numbers.iter().map(|number| list[*number as usize].as_deref()).collect::<StringViewArray>())
    }
}

/// Pairs of numbers.
struct Pairs {
    list: Vec<(u32, u32)>,
    numbers: HashMap<(u32, u32), u32>,
    recent: Slots,
}

impl Pairs {
    fn new() -> Self {
        Self { list: Vec::new(), numbers: HashMap::new(), recent: Slots::new() }
    }

    fn number(&mut self, left: u32, right: u32) -> u32 {
        let Self { list, numbers, recent } = self;
        recent.number((u128::from(left) << 64) | u128::from(right), true, || {
            *numbers.entry((left, right)).or_insert_with(|| {
                list.push((left, right));
                list.len() as u32 - 1
            })
        })
    }

    fn clear(&mut self) {
        self.list.clear();
        self.numbers.clear();
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests;
