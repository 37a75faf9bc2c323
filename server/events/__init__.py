"""Experience events: derived from analysed utterances by rules, kept in a commit-ordered feed."""
