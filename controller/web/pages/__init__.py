"""The pages: one small file each, listed in `controller.web.menu`."""
