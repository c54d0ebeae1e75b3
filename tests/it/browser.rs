//! The report page in a real browser: it must fit a phone and need no network.

use std::path::Path;
use std::process::Command;

use crate::common::{Place, samples};

/// Browsers that can be asked without a window, by the names they have on different systems.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

fn browser() -> Option<&'static str> {
    BROWSERS.into_iter().find(|name| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    })
}

/// The document after it was loaded, with what it measured.
fn dom(browser: &str, page: &Path) -> String {
    let profile = tempfile::TempDir::new().unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args([
            "--allow-file-access-from-files",
            "--virtual-time-budget=4000",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "the browser failed: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_page_fits_a_phone_and_a_desk_and_shows_its_groups() {
    let Some(browser) = browser() else {
        eprintln!(
            "SKIPPED: no browser of {BROWSERS:?} is installed, so the page was not opened in one"
        );
        return;
    };
    let place = Place::new();
    let run = place.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(run.status.success());
    for width in [390, 1280] {
        // The page has no scripts, so a page around it measures.
        let around = place.out().join(format!("measure-{width}.html"));
        let text = format!(
            "<!doctype html><iframe id=f src=report.html width={width} height=900></iframe><script>
             onload = () => {{
               const page = document.getElementById('f').contentDocument;
               for (const details of page.querySelectorAll('details')) details.open = true;
               document.title = 'wide ' + page.documentElement.scrollWidth
                 + ' groups ' + page.querySelectorAll('details').length
                 + ' loads ' + page.querySelectorAll('[src],link[href]').length;
             }}</script>"
        );
        std::fs::write(&around, text).unwrap();
        let dom = dom(browser, &around);
        let title = dom
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"));
        let words: Vec<&str> = title.expect("it measured").0.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<u64>().unwrap();
        assert!(
            number(1) <= width,
            "{} columns of pixels in {width}",
            number(1)
        );
        assert!(number(3) >= 30, "{} groups can be opened", number(3));
        assert_eq!(number(5), 0, "the page loads something");
    }
}
