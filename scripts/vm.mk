# The virtual machine lane: real systemd, kernel and TPM driver.
vm-lane: setup	## units, TPM and PostgreSQL in a virtual machine
	@$(MAKE) --no-print-directory -s all
	@scripts/vm-lane

.PHONY: vm-lane
