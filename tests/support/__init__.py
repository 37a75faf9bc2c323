"""What several kinds of tests share: the real programs as processes."""
