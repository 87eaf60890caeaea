"""The Oracle steps against the rehearsal's Oracle, over the real SDK."""
