"""From what people type to what others see: Markdown to the token tree, the tree to HTML."""
