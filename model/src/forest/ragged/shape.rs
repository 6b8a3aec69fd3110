//! The shapes that a block can have.

/// Most splits of a block; the eighth slot byte marks the mirrored ones.
pub(super) const SPLITS_MAX: usize = 7;
/// The code of a leaf.
pub(super) const LEAF: u16 = 0;
/// Number of possible result bytes: a bit for each split that sends to its first side, the lowest for the top split.
pub(super) const ANSWERS: usize = 1 << SPLITS_MAX;

/// The target of one side of a split.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// A split of the same block.
    Split(u8),
    /// An exit of the block.
    Exit(u8),
}

/// The two sides of each split; top first, then all splits on its first side, then all on its second.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) splits: Vec<[Side; 2]>,
}

impl Shape {
    /// Parses a code from the lowest bit on, in the order of the splits: 1 is a split, 0 an exit. `None` unless it has
    /// one to seven splits with all their exits and no further bit.
    pub(super) fn parse(code: u16) -> Option<Self> {
        let (mut splits, mut exits, mut rest) = (Vec::new(), 0, code);
        // The sides that are not parsed yet, the next one last.
        let mut open: Vec<(usize, usize)> = Vec::new();
        loop {
            let from = open.pop();
            let side = if rest & 1 == 0 {
                exits += 1;
                Side::Exit(exits - 1)
            } else if splits.len() < SPLITS_MAX {
                open.extend([(splits.len(), 1), (splits.len(), 0)]);
                splits.push([Side::Exit(0); 2]);
                Side::Split(splits.len() as u8 - 1)
            } else {
                return None;
            };
            rest >>= 1;
            if let Some((split, at)) = from {
                splits[split][at] = side;
            }
            if open.is_empty() {
                return (rest == 0 && !splits.is_empty()).then_some(Self { splits });
            }
        }
    }

    /// Number of exits: one more than splits.
    pub(super) fn exit_count(&self) -> usize {
        self.splits.len() + 1
    }

    /// The exit for each byte of results.
    pub(super) fn exits(&self) -> [u8; ANSWERS] {
        std::array::from_fn(|answers| {
            let mut split = 0;
            loop {
                match self.splits[split][usize::from(answers >> split & 1 == 0)] {
                    Side::Exit(exit) => return exit,
                    // It comes after its parent.
                    Side::Split(next) => split = usize::from(next),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn there_are_as_many_shapes_as_binary_trees() {
        let shapes = (0..=u16::MAX).filter_map(Shape::parse);
        let mut counts = [0; 8];
        for shape in shapes {
            counts[shape.splits.len()] += 1;
            assert_eq!(shape.exits().into_iter().max(), Some(shape.exit_count() as u8 - 1), "{shape:?}");
        }
        // Catalan's numbers.
        assert_eq!(counts, [0, 1, 2, 5, 14, 42, 132, 429]);
    }

    #[test]
    fn a_shape_leads_where_its_splits_do() {
        // A split, on its first side another, on its second an exit.
        let exits = Shape::parse(0b00011).map(|shape| shape.exits()).unwrap_or([0; 128]);
        assert_eq!([exits[0b11], exits[0b01], exits[0b10], exits[0b00]], [0, 1, 2, 2]);
    }
}
