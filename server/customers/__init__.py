"""The list of customers that devices search: kept by other systems, handed out as a delta."""
