//! A block of commands, taken apart as far as documents need: simple commands, quotes, substitutions, functions and loops.

/// One simple command: its words without quotes, assignments before it included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Lines from the block's first.
    pub(super) line: usize,
    pub(super) words: Vec<String>,
}

/// The commands of a block in their order, those inside `$(…)` too. Names of functions that it defines are no commands.
pub(super) fn commands(block: &str) -> Vec<Command> {
    let mut reader = Reader { found: Vec::new(), words: Vec::new(), word: None, line: 0, begun: 0 };
    reader.read(block);
    let functions: Vec<String> =
        reader.found.iter().filter_map(|c| Some(c.words[0].strip_suffix("()")?.to_owned())).collect();
    // A function's command that ends in `"$@"` is one with the arguments of each call.
    let (mut commands, mut bodies): (Vec<Command>, Vec<Command>) = (Vec::new(), Vec::new());
    for mut command in reader.found {
        // What opens, joins or ends a loop, a group or a function stands before a command, or is one by itself.
        let is_opening = |word: &str| {
            matches!(word, "{" | "}" | "do" | "done" | "then" | "else" | "fi" | "while" | "if" | "!")
        };
        while command.words.first().is_some_and(|word| is_opening(word) || word.ends_with("()")) {
            command.words.remove(0);
        }
        let Some(first) = command.words.first().filter(|first| *first != "for") else { continue };
        if command.words.last().is_some_and(|word| word == "$@") {
            bodies.push(command);
        } else if functions.contains(first) {
            let arguments = &command.words[1..];
            let body = bodies.last().map_or(&[][..], |body| &body.words[..body.words.len() - 1]);
            commands.push(Command { line: command.line, words: [body, arguments].concat() });
        } else {
            commands.push(command);
        }
    }
    commands
}

struct Reader {
    found: Vec<Command>,
    words: Vec<String>,
    word: Option<String>,
    line: usize,
    /// The line on which the command began.
    begun: usize,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some('\n') => self.line += 1,
                    Some(other) => self.push(other),
                    None => {}
                },
                '\'' => {
                    self.word.get_or_insert_default();
                    for c in characters.by_ref().take_while(|&c| c != '\'') {
                        self.line += usize::from(c == '\n');
                        self.push(c);
                    }
                }
                '"' => {
                    self.word.get_or_insert_default();
                    while let Some(c) = characters.next() {
                        match c {
                            '"' => break,
                            '\\' => self.word.get_or_insert_default().extend(characters.next()),
                            '$' if characters.peek() == Some(&'(') => self.substitution(&mut characters),
                            c => self.push(c),
                        }
                    }
                }
                '$' if characters.peek() == Some(&'(') => self.substitution(&mut characters),
                '#' if self.word.is_none() => while characters.next_if(|&c| c != '\n').is_some() {},
                ' ' | '\t' => self.end_word(),
                '\n' | ';' | '|' | '&' => {
                    // `2>&1` and `&&` are no end of their own.
                    if c == '&' && self.word.as_deref().is_some_and(|word| word.ends_with('>')) {
                        self.push(c);
                        continue;
                    }
                    self.end_command();
                    self.line += usize::from(c == '\n');
                }
                c => self.push(c),
            }
        }
        self.end_command();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    /// `$(…)`: what is inside is read by itself; outside it is a word that nobody knows yet.
    fn substitution(&mut self, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        characters.next();
        let (mut inside, mut depth) = (String::new(), 1);
        for c in characters.by_ref() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            inside.push(c);
        }
        for command in commands(&inside) {
            self.found.push(Command { line: self.line + command.line, ..command });
        }
        self.word.get_or_insert_default().push_str("SUBSTITUTED");
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if self.words.is_empty() {
            self.begun = self.line;
        }
        self.words.push(word);
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.found.push(Command { line: self.begun, words });
        }
    }
}

#[test]
fn blocks_are_taken_apart_as_a_shell_does() {
    let words = |block: &str| commands(block).into_iter().map(|command| command.words).collect::<Vec<_>>();
    assert_eq!(words("a 'b c' \"d\" # e\n"), [["a", "b c", "d"]]);
    assert_eq!(words("A=1 b \\\n  c | d && e"), [vec!["A=1", "b", "c"], vec!["d"], vec!["e"]]);
    assert_eq!(words("a \"x $(b c) y\""), [vec!["b", "c"], vec!["a", "x SUBSTITUTED y"]]);
    assert_eq!(words("for i in 1 2; do a $i; done | b"), [vec!["a", "$i"], vec!["b"]]);
    assert_eq!(words("f() { a -x \"$@\"; }\nf b 'c'"), [["a", "-x", "b", "c"]]);
    assert_eq!(words("a 2>&1\nb"), [vec!["a", "2>&1"], vec!["b"]]);
}
