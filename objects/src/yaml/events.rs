//! A YAML text as events with places: the one parser for all who look at texts. It is made once, here, where it is built for speed.

use granit_parser::{Parser, StrInput};

pub use granit_parser::{
    ErrorKind, Event, Marker, Options, ScalarStyle, ScanError, Span, StructureStyle, Tag, options,
};

/// The events of a text, without its comments.
pub struct Events<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Events<'t> {
    /// Starts to read.
    #[must_use]
    pub fn of(text: &'t str, mut options: Options) -> Events<'t> {
        options.set_emit_comments(false);
        Events(Parser::new_from_str_with_options(text, options))
    }
}

impl<'t> Iterator for Events<'t> {
    type Item = Result<(Event<'t>, Span), ScanError>;

    #[inline(never)] // it is large, and in many loops
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
