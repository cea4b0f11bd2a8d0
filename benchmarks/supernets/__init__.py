"""What supernets are worth: SNAS beside a mixture that is cut, EN2AS beside uniform paths."""
