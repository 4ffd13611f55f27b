"""What a shop's owner reads: whom to contact today and why, and how the shop does. Pure: documents and logs come in."""
