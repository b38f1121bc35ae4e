"""The page that shows a bank to anyone: one HTML file, which needs no server and no network."""

from bloodbank.explorer.content import by_all_metrics, page_data
from bloodbank.explorer.facts import CorpusFacts, facts_of_audit
from bloodbank.explorer.page import explore

__all__ = ["CorpusFacts", "by_all_metrics", "explore", "facts_of_audit", "page_data"]
