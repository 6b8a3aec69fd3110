//! Why a model could not be had.

use std::io;

/// Why a model file was refused. Every variant names the file (`<memory>` for bytes) and, where there is one, the
/// section.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The operating system refused to open, map or copy it.
    #[error("{file}: cannot be read: {source}")]
    Io {
        /// The path.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The first bytes are not this format's.
    #[error("{file}: not a Stormglass model: {what}")]
    NotAModel {
        /// The path.
        file: String,
        /// What stands there instead.
        what: String,
    },
    /// A later release wrote it.
    #[error(
        "{file}: format version {found} is newer than this build reads ({newest}): use a newer stormglass"
    )]
    NewerFormat {
        /// The path.
        file: String,
        /// The version it declares.
        found: u16,
        /// The newest this build reads.
        newest: u16,
    },
    /// The header pins a byte order or pointer width that is not ours.
    #[error("{file}: written for another machine: {what}")]
    ForeignLayout {
        /// The path.
        file: String,
        /// Which pin differs.
        what: String,
    },
    /// The file's length is not the one in its header: cut short in a copy, or appended to.
    #[error("{file}: {found} bytes, but its header says {expected}")]
    Length {
        /// The path.
        file: String,
        /// Bytes by the header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The header or the section table is damaged.
    #[error("{file}: header: {what}")]
    Header {
        /// The path.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A section is damaged, or its content breaks a rule of the format.
    #[error("{file}: section {section}: {what}")]
    Section {
        /// The path.
        file: String,
        /// The section's tag and its place in the table, `FRST[1]`.
        section: String,
        /// What is wrong.
        what: String,
    },
    /// A section that must be understood is not known to this build.
    #[error("{file}: section {section}: version {version} is required but not known to this build")]
    UnknownSection {
        /// The path.
        file: String,
        /// The section's tag and its place in the table.
        section: String,
        /// Its version.
        version: u16,
    },
    /// A section every model needs is absent.
    #[error("{file}: has no section {section}")]
    MissingSection {
        /// The path.
        file: String,
        /// The tag.
        section: &'static str,
    },
    /// The self-test's rows do not give the answers the file carries.
    #[error("{file}: section TEST: row {row} gives {number} {found:e}, the file says {expected:e}")]
    SelfTest {
        /// The path.
        file: String,
        /// The row, from 0.
        row: usize,
        /// Which of its numbers: the raw score or the answer, and of several which, from 0.
        number: String,
        /// The number in the file.
        expected: f64,
        /// The number computed here.
        found: f64,
    },
}

/// Why a model could not be built or written.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A field of the model's information is out of its range.
    #[error("{field}: {what}")]
    Info {
        /// The field.
        field: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A tree is not one: a child out of range, a cycle, a value that cannot be kept exactly.
    #[error("member {member}, tree {tree}, node {node}: {what}")]
    Tree {
        /// The member, from 0.
        member: usize,
        /// The tree, from 0.
        tree: usize,
        /// The node, from 0.
        node: usize,
        /// What is wrong.
        what: String,
    },
    /// A member as a whole breaks a limit.
    #[error("member {member}: {what}")]
    Member {
        /// The member, from 0.
        member: usize,
        /// What is wrong.
        what: String,
    },
    /// The file could not be written.
    #[error("{file}: cannot be written: {source}")]
    Io {
        /// The path.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}
