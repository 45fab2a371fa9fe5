//! `eventjsonchecksum`, computed from the record when it is asked for: 32 bytes a row that no file need hold.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, AsArray, StringViewBuilder};
use arrow::datatypes::{DataType, FieldRef};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function, for the plan alone: no statement can name it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Checksum {
    signature: Signature,
    field: FieldRef,
}

impl Checksum {
    /// The function whose result is that column.
    pub(super) fn new(field: FieldRef) -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable), field }
    }
}

impl ScalarUDFImpl for Checksum {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "eventjsonchecksum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut sums = StringViewBuilder::with_capacity(arguments.number_rows);
        for array in &arrays {
            let records = array.as_string_view();
            for record in records {
                sums.append_value(BASE64_STANDARD.encode(digest(&SHA256, record.unwrap_or_default().as_bytes())));
            }
            debug_assert_eq!(records.len(), arguments.number_rows);
        }
        Ok(ColumnarValue::Array(Arc::new(sums.finish())))
    }
}
