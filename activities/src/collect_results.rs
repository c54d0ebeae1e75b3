//! `CollectResults`: a list of results becomes one blob.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use workflows::contracts::{self, BlobRef};

use crate::blobs;
use crate::errors::blocking;

/// Puts a list of results into one blob.
#[derive(Debug)]
pub struct CollectResults;

#[async_trait]
impl Activity for CollectResults {
    type Contract = contracts::CollectResults;

    async fn run(&self, cx: &ActivityCx, results: Vec<BlobRef>) -> Result<BlobRef, Failure> {
        blocking(cx, move |cx| blobs::put_json(cx, &results)).await
    }
}
