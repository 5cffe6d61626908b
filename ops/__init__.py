"""Operations: run Terraform, build images, deploy, audit, drill.

terraform         run the terraform binary
plugins           provider from a mirror or the registry
terraform_checks  terraform fmt, validate, test and checkov
embedded          record of a running embedded AWS
deployment        state and outputs of a deployed use case
bundles           bundles of the registry's versions on this machine
migration         stacks of 0.1: state key and names of roles
deploy            deploy, release, roll back, destroy
versions          release a version by a canary, return to an earlier one
shadow            deploy a model in shadow, end it, compare it
shadow_events     what both models did with each record, from the lake
shadow_compare    compare predictions, errors and latency of both models
shadow_page       text of that comparison, with what to do next
canary            compare a new version with the live one
alias             alias of the prediction function: live version, candidate, earlier versions
plan              changes that an apply would make, as a table
docker_images     build and push the functions' images
image_engines     Docker and Buildah
image_archive     rewrite an image without the times of its build
base_lock         pin the base images by digest
sbom              bill of materials, written in the image's build
checks            upload the configuration of checks
cost              estimate from docs/cost.md
leftovers         resources that remain after a stack was destroyed
audit             reconcile records in with records out
drill             compute a verdict again from the lake alone
past_lake         lake as of a moment, without derived files
"""
