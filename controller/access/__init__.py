"""Who is asking: logins, sessions, local peers and what their role may do."""
