//! Insights events (CloudTrail user guide, "Supported SQL schemas for CloudTrail Insights events").

use super::{Column, ENVELOPE, Field, HIDDEN, Kind, join};

pub(super) const COLUMNS: &[Column] = &join::<20>(&[&ENVELOPE, &OWN, &HIDDEN]);

const OWN: [Column; 9] = [
    Column::needle(800, "sharedeventid", "sharedEventID"),
    Column::shown(900, "addendum", "addendum", Kind::Map),
    Column::shown(1_000, "insightsource", "insightSource", Kind::Text),
    Column::shown(1_100, "insightstate", "insightState", Kind::Text),
    Column::shown(1_200, "insighteventsource", "insightEventSource", Kind::Text),
    Column::shown(1_300, "insighteventname", "insightEventName", Kind::Text),
    Column::shown(1_400, "insighterrorcode", "insightErrorCode", Kind::Text),
    Column::shown(1_500, "insighttype", "insightType", Kind::Text),
    Column::shown(1_600, "insightcontext", "insightContext", Kind::Struct(&CONTEXT)),
];

const CONTEXT: [Field; 5] = [
    Field::new(1_601, "baselineaverage", "baselineAverage", Kind::Double),
    Field::new(1_602, "insightaverage", "insightAverage", Kind::Double),
    Field::new(1_603, "baselineduration", "baselineDuration", Kind::Integer),
    Field::new(1_604, "insightduration", "insightDuration", Kind::Integer),
    Field::new(1_605, "attributions", "attributions", Kind::List(&ATTRIBUTION)),
];

const ATTRIBUTION: Field = Field::element(1_606, Kind::Struct(&ATTRIBUTION_MEMBERS));

/// The last four are what older records have instead of the two lists.
const ATTRIBUTION_MEMBERS: [Field; 7] = [
    Field::text(1_607, "attribute", "attribute"),
    Field::new(1_610, "insight", "insight", Kind::List(&INSIGHT)),
    Field::new(1_620, "baseline", "baseline", Kind::List(&BASELINE)),
    Field::text(1_630, "insightvalue", "insightValue"),
    Field::new(1_631, "insightaverage", "insightAverage", Kind::Double),
    Field::text(1_632, "baselinevalue", "baselineValue"),
    Field::new(1_633, "baselineaverage", "baselineAverage", Kind::Double),
];

const INSIGHT: Field = Field::element(1_611, Kind::Struct(&INSIGHT_SHARE));
const INSIGHT_SHARE: [Field; 2] = [Field::text(1_612, "value", "value"), Field::new(1_613, "average", "average", Kind::Double)];

const BASELINE: Field = Field::element(1_621, Kind::Struct(&BASELINE_SHARE));
const BASELINE_SHARE: [Field; 2] = [Field::text(1_622, "value", "value"), Field::new(1_623, "average", "average", Kind::Double)];
