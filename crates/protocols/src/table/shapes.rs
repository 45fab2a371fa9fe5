//! The shapes of a service: whether they hang together, and each of them once.

use std::collections::HashMap;

use super::{Service, Shape, ShapeId, ShapeKind};

impl Service {
    /// A shape. Numbers out of a table that was read always have one.
    pub fn shape(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(id.0 as usize)
    }

    /// Says what does not hang together: a number without a shape, a payload without a member.
    pub fn check(&self) -> Result<(), super::file::Error> {
        let known = |id: &ShapeId| (id.0 as usize) < self.shapes.len();
        let roots = self.operations.iter().flat_map(|operation| operation.input.iter().chain(&operation.output));
        let whole = roots.into_iter().all(known)
            && self.shapes.iter().all(|shape| match &shape.kind {
                ShapeKind::Structure { members, payload, .. } => {
                    members.iter().all(|member| known(&member.shape)) && payload.is_none_or(|at| usize::from(at) < members.len())
                }
                ShapeKind::List { of, .. } | ShapeKind::Map { of, .. } => known(of),
                _ => true,
            });
        if whole { Ok(()) } else { Err(super::file::Error::Damaged { what: "shapes do not hang together" }) }
    }

    /// The same service with no two shapes alike.
    #[must_use]
    pub fn deduplicated(mut self) -> Self {
        loop {
            let before = self.shapes.len();
            self = self.without_twins();
            if self.shapes.len() == before {
                return self;
            }
        }
    }

    /// Takes away those that are alike now; others may then have become so.
    fn without_twins(self) -> Self {
        let mut first: HashMap<String, u32> = HashMap::new();
        let mut kept = Vec::new();
        let mut numbers = Vec::with_capacity(self.shapes.len());
        for shape in self.shapes {
            let next = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            let number = *first.entry(format!("{shape:?}")).or_insert(next);
            numbers.push(number);
            if number == next {
                kept.push(shape);
            }
        }
        let renumber = |id: &mut ShapeId| {
            if let Some(number) = numbers.get(id.0 as usize) {
                id.0 = *number;
            }
        };
        for shape in &mut kept {
            match &mut shape.kind {
                ShapeKind::Structure { members, .. } => members.iter_mut().for_each(|member| renumber(&mut member.shape)),
                ShapeKind::List { of, .. } | ShapeKind::Map { of, .. } => renumber(of),
                _ => {}
            }
        }
        let mut operations = self.operations;
        for operation in &mut operations {
            operation.input.iter_mut().chain(&mut operation.output).for_each(renumber);
        }
        Self { heading: self.heading, operations, shapes: kept }
    }
}
