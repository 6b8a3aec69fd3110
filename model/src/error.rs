//! Errors of reading, building and writing models.

use std::io;

/// The reason why a model file was refused. Every variant names the file (`<memory>` for bytes) and, where there is one, the
/// section.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The operating system refused to open, map or copy the file.
    #[error("{file}: cannot be read: {source}")]
    Io {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The first bytes are not this format's.
    #[error("{file}: not a Stormglass model: {what}")]
    NotAModel {
        /// The path; `<memory>` for bytes.
        file: String,
        /// A description of the bytes that were found.
        what: String,
    },
    /// A later release wrote it.
    #[error(
        "{file}: format version {found} is newer than this build reads ({newest}): use a newer stormglass"
    )]
    NewerFormat {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The version in its header.
        found: u16,
        /// The newest this build reads.
        newest: u16,
    },
    /// The header requires a byte order or pointer width that this machine does not have.
    #[error("{file}: written for another machine: {what}")]
    ForeignLayout {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The property that differs: byte order or pointer width.
        what: String,
    },
    /// The file's length is not the one in its header: it was cut, or something was appended.
    #[error("{file}: {found} bytes, but its header says {expected}")]
    Length {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The length in the header, bytes.
        expected: u64,
        /// The length of the file, bytes.
        found: u64,
    },
    /// The header or the section table is damaged.
    #[error("{file}: header: {what}")]
    Header {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The fault, in words.
        what: String,
    },
    /// A section is damaged, or its content breaks a rule of the format.
    #[error("{file}: section {section}: {what}")]
    Section {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The section's tag and its index in the table, `FRST[1]`.
        section: String,
        /// The fault, in words.
        what: String,
    },
    /// This build does not know a section that is marked as required.
    #[error("{file}: section {section}: version {version} is required but not known to this build")]
    UnknownSection {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The section's tag and its index in the table.
        section: String,
        /// The section's version.
        version: u16,
    },
    /// A section that every model needs is absent.
    #[error("{file}: has no section {section}")]
    MissingSection {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The absent section's tag.
        section: &'static str,
    },
    /// The scores of the self-test's rows differ from those in the file.
    #[error("{file}: section TEST: row {row} gives {number} {found:e}, the file says {expected:e}")]
    SelfTest {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The row, from 0.
        row: usize,
        /// The number's name: `raw score` or `answer`, followed by its position from 0 if the row has several.
        number: String,
        /// The number in the file.
        expected: f64,
        /// The number computed here.
        found: f64,
    },
}

/// The reason why a model could not be built or written.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A field of the model's information is out of its range.
    #[error("{field}: {what}")]
    Info {
        /// The field's name.
        field: &'static str,
        /// The fault, in words.
        what: String,
    },
    /// A tree is invalid: a child out of range, a cycle, a value that cannot be stored exactly.
    #[error("member {member}, tree {tree}, node {node}: {what}")]
    Tree {
        /// The member, from 0.
        member: usize,
        /// The tree, from 0.
        tree: usize,
        /// The node, from 0.
        node: usize,
        /// The fault, in words.
        what: String,
    },
    /// A member as a whole breaks a limit.
    #[error("member {member}: {what}")]
    Member {
        /// The member, from 0.
        member: usize,
        /// The fault, in words.
        what: String,
    },
    /// The file could not be written.
    #[error("{file}: cannot be written: {source}")]
    Io {
        /// The path; `<memory>` for bytes.
        file: String,
        /// The system's error.
        source: io::Error,
    },
}
