"""Proof of least privilege: what the roles allow, compared with the calls of an integration run.

grants     what policies allow, one action, resource and condition each
calls      recorded calls, and the test that made each first
record     policies, resources and calls of one run, stored in record.json
recorder   recorder of the calls of an integration run
reasons    grants that the embedded AWS can't exercise, each with its reason
removal    which test fails without each grant
proof      that nothing beyond the calls is allowed, by an SMT solver
network    rights of a function in a VPC, and that its code has none of them
isolation  that no role reaches another use case, by the same solver
"""
