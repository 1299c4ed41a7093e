return { summary = "Make a node that joins the cluster of another, with a token from it.", run = function() end }
