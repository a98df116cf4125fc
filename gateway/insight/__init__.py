"""What history says: times told, whether they came true, who solves what best, what a draft or a staffing would change.

Beside the road: decisions ask it for an estimate, doors for figures. Pure but for ``reading``, its one door to the
database; nothing of it writes.
"""
