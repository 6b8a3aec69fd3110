//! What the tests read of a document: headings, links, fenced blocks, words in code type.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The folder of the sources.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Documents whose commands and names are checked.
pub(super) fn guides() -> Vec<Document> {
    let mut names: Vec<String> =
        ["README.md", "RUNBOOK.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).into();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        names.push(format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    names.sort();
    names.iter().map(|name| Document::read(name)).collect()
}

/// Those, and the documents that stand beside what they describe.
pub(super) fn all() -> Vec<Document> {
    let others = [
        "CHANGELOG.md",
        "benches/README.md",
        "benches/kafka/README.md",
        "deploy/kubernetes/README.md",
        "model/FORMAT.md",
        "model/README.md",
        "tests/golden/README.md",
    ];
    guides().into_iter().chain(others.map(Document::read)).collect()
}

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    /// Its path from the root.
    pub(super) name: String,
    pub(super) text: String,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of its fence.
    pub(super) line: usize,
    /// What stands behind the fence: `sh`, `sh no_run`, `json`, ...
    pub(super) kind: String,
    pub(super) text: String,
}

impl Document {
    pub(super) fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name: name.to_owned(), text }
    }

    /// The fenced blocks; an indented one, as in a list, without its indentation.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<usize> = None;
        for (line, text) in (1..).zip(self.text.lines()) {
            let indentation = text.len() - text.trim_start().len();
            match (text.trim_start().strip_prefix("```"), open) {
                (Some(kind), None) => {
                    blocks.push(Block { line, kind: kind.trim().to_owned(), text: String::new() });
                    open = Some(indentation);
                }
                (Some(_), Some(_)) => open = None,
                (None, Some(indentation)) => {
                    let block = blocks.last_mut().expect("one is open");
                    block.text.push_str(text.get(indentation..).unwrap_or_default());
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert_eq!(open, None, "{}: a fence is not closed", self.name);
        blocks
    }

    /// The lines outside of fenced blocks, with their numbers.
    pub(super) fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_fenced = false;
        let is_prose = |(_, text): &(usize, &str)| {
            let is_fence = text.trim_start().starts_with("```");
            is_fenced ^= is_fence;
            !is_fenced && !is_fence
        };
        (1..).zip(self.text.lines()).filter(is_prose).collect()
    }

    /// What links can name: headings as the usual viewers number them.
    pub(super) fn anchors(&self) -> Vec<String> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let headings = self.prose().into_iter().filter(|(_, line)| line.starts_with('#'));
        headings
            .map(|(_, line)| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
                let times = seen.entry(anchor.clone()).or_default();
                *times += 1;
                if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
            })
            .collect()
    }

    /// Where links lead, with their lines.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (line, text) in self.prose() {
            for part in text.split("](").skip(1) {
                links.push((line, part.split(')').next().unwrap_or_default().to_owned()));
            }
        }
        links
    }

    /// Words in code type, with their lines. One that is broken between two lines is joined.
    pub(super) fn code(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (line, text) in self.prose() {
            // Code ends with its paragraph, whatever was forgotten.
            if text.trim().is_empty() {
                open = None;
            }
            if let Some((_, begun)) = &mut open {
                begun.push(' ');
            }
            for (i, part) in text.split('`').enumerate() {
                if i > 0 {
                    match open.take() {
                        Some(done) => found.push(done),
                        None => open = Some((line, String::new())),
                    }
                }
                if let Some((_, begun)) = &mut open {
                    begun.push_str(if begun.ends_with(' ') { part.trim_start() } else { part });
                }
            }
        }
        found
    }
}

#[test]
fn a_document_is_read_as_its_viewers_read_it() {
    let text = "# One `two`, 3!\n\nSee [it](a.md#b) and `x\ny`.\n\n- in a list:\n\n  ```sh no_run\n  one \\\n      two\n  ```\n\n\
        # One two 3\n# One two 3\n";
    let document = Document { name: "x".to_owned(), text: text.to_owned() };
    assert_eq!(document.anchors(), ["one-two-3", "one-two-3-1", "one-two-3-2"]);
    assert_eq!(document.links(), [(3, "a.md#b".to_owned())]);
    assert_eq!(document.code(), [(1, "two".to_owned()), (3, "x y".to_owned())]);
    let block = Block { line: 8, kind: "sh no_run".to_owned(), text: "one \\\n    two\n".to_owned() };
    assert_eq!(document.blocks(), [block]);
}
