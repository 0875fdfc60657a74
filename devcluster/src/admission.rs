//! What a namespace's limits and quotas say of a new object.
