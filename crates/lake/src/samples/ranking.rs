//! How near a phrase is to each sample: by shared terms, rare ones counting more.

use std::collections::{BTreeSet, HashMap};

use super::{Sample, words};

/// What is less relevant is not found.
pub(super) const RELEVANCE_MIN: f32 = 0.12;
/// What a term counts in a sample's name, in its further words, and in its description.
const WEIGHTS: [f32; 3] = [1.0, 0.8, 0.5];
/// How much of the relevance is there however little of the sample's name is in the phrase.
const NAMELESS_SHARE: f32 = 0.75;

/// The terms of all samples.
#[derive(Clone, Debug)]
pub(super) struct Ranking {
    /// By sample: what each term counts.
    weights: Vec<HashMap<String, f32>>,
    /// By sample: the terms of its name.
    names: Vec<BTreeSet<String>>,
    /// How rare each term is.
    rarity: HashMap<String, f32>,
    rarest: f32,
}

impl Ranking {
    pub(super) fn new(samples: &[Sample]) -> Self {
        let weights: Vec<HashMap<String, f32>> = samples.iter().map(weigh).collect();
        let names = samples.iter().map(|sample| words::stems(&sample.name).into_iter().collect()).collect();
        let mut counts: HashMap<&str, f32> = HashMap::new();
        for term in weights.iter().flat_map(HashMap::keys) {
            *counts.entry(term).or_default() += 1.0;
        }
        let all = samples.len() as f32;
        let rare = |count: f32| (1.0 + all / count).ln();
        let rarity = counts.iter().map(|(term, count)| ((*term).to_owned(), rare(*count))).collect();
        Self { names, rarity, rarest: rare(1.0), weights }
    }

    /// From 0 to 1. Terms that no sample has count against it as the rarest ones do.
    pub(super) fn relevance(&self, sample: usize, phrase: &[String]) -> f32 {
        let (Some(weights), Some(name)) = (self.weights.get(sample), self.names.get(sample)) else { return 0.0 };
        // In order, so that sums of fractions are the same each time.
        let phrase: BTreeSet<&String> = phrase.iter().collect();
        let rarity = |term: &String| self.rarity.get(term).copied().unwrap_or(self.rarest);
        let whole: f32 = phrase.iter().map(|term| rarity(term)).sum();
        let shared: f32 = phrase.iter().map(|term| rarity(term) * weights.get(*term).copied().unwrap_or(0.0)).sum();
        if shared <= 0.0 {
            return 0.0;
        }
        let named: f32 = name.iter().filter(|term| phrase.contains(term)).map(rarity).sum();
        let name: f32 = name.iter().map(rarity).sum();
        let share = |part: f32, whole: f32| if whole > 0.0 { part / whole } else { 0.0 };
        (share(shared, whole) * (NAMELESS_SHARE + (1.0 - NAMELESS_SHARE) * share(named, name))).clamp(0.0, 1.0)
    }

    /// Whether a term is in any sample.
    pub(super) fn knows(&self, term: &str) -> bool {
        self.rarity.contains_key(term)
    }
}

fn weigh(sample: &Sample) -> HashMap<String, f32> {
    let mut weights = HashMap::new();
    for (text, weight) in [&sample.name, &sample.words, &sample.description].into_iter().zip(WEIGHTS) {
        for term in words::stems(text) {
            let known = weights.entry(term).or_insert(weight);
            *known = known.max(weight);
        }
    }
    weights
}
